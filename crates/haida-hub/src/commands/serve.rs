//! `haida-hub serve`: the HTTP API, until it is asked to end.

use std::{io::ErrorKind, process::ExitCode};

use hub_api::Options;
use hub_app::{intake, lanes::Stop};
use hub_domain::codes;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{cli::ServeArgs, failure::Coded, output::Output, settings::Settings};

/// Serves.
pub async fn run(settings: &Settings, arguments: ServeArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let stop = Stop::new();
    super::work::listen(&stop).map_err(|error| Coded::setting(format!("listen to signals: {error}")))?;
    let address = arguments.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == ErrorKind::AddrInUse {
            return Coded { code: &codes::PORT_TAKEN, message: format!("listen at {address}") };
        }
        Coded::setting(format!("listen at {address}: {error}"))
    })?;
    let store = super::open(settings).await?;
    let address = listener.local_addr()?;
    // On standard output, before anything is served: whoever started the hub may be waiting for the port.
    output.result(&json!({ "listening": format!("http://{address}") }), || format!("listening at http://{address}"));
    let options = Options {
        home: super::evidence_home(settings),
        spool: intake::spool_folder(&settings.data_dir),
        max_body_bytes: arguments.max_body_bytes,
    };
    hub_api::serve(listener, store, options, async move { stop.wait().await }).await?;
    Ok(ExitCode::SUCCESS)
}
