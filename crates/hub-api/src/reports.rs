//! `POST /api/v1/projects/{project}/reports`: what `haida-hub ingest` takes, over HTTP. A form with files and fields, or one file as the
//! body. The answer is the command's report; the same content for the same run twice is one report, and the answer says so.

use std::time::Duration;

use axum::{
    Extension, Json,
    body::Body,
    extract::{FromRequest, Multipart, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use hub_app::{
    ProjectRow,
    ingest::{IngestReport, RunArguments},
    intake,
};
use hub_domain::codes;
use serde::{Deserialize, Serialize};

use crate::{
    Api, Correlation, auth,
    problem::Problem,
    spool::{Received, Spool, half, too_large},
};

/// The longest value of a field, in bytes.
const MAX_FIELD: usize = 1_000;
/// How much of a refused body is read, and for how long.
const DRAINED: usize = 8 << 20;
const DRAIN_FOR: Duration = Duration::from_secs(3);
/// The longest `Idempotency-Key`.
const MAX_KEY: usize = 255;

/// What a request says of its run, in fields of its form or in its address.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    run: Option<String>,
    title: Option<String>,
    release: Option<String>,
    environment: Option<String>,
    platform: Option<String>,
    /// The name of a file that is the body itself.
    file: Option<String>,
}

/// The answer: the command's report with what arrived.
#[derive(Debug, Serialize)]
struct ReportsOut<'a> {
    project: &'a str,
    run: Option<&'a str>,
    /// Whether everything was taken before.
    already_taken: bool,
    /// Whether something could not be taken.
    incomplete: bool,
    received: &'a [Received],
    #[serde(flatten)]
    report: &'a IngestReport,
}

/// Takes reports.
pub async fn take(
    State(api): State<Api>,
    Extension(correlation): Extension<Correlation>,
    Path(project): Path<String>,
    request: Request,
) -> Response {
    match taken(&api, correlation, &project, request).await {
        Ok(answer) => answer,
        Err(problem) => problem.answer(correlation),
    }
}

async fn taken(api: &Api, correlation: Correlation, project: &str, request: Request) -> Result<Response, Problem> {
    let failed = |error: hub_app::AppError| Problem::of(&error, correlation);
    let opened = auth::project(&api.store, request.headers(), project).await.map_err(failed);
    let row = match opened.and_then(|row| check(request.headers(), api.options.max_body_bytes).map(|()| row)) {
        Ok(row) => row,
        Err(problem) => {
            // Whoever asks first whether to send has sent nothing.
            if !request.headers().contains_key(header::EXPECT) {
                drain(request.into_body().into_data_stream()).await;
            }
            return Err(problem);
        }
    };
    // Where many come at once a body waits at its sender, who is told to go on when there is room.
    let receiving = api.receiving.acquire().await;
    let mut spool = Spool::new(&api.options.spool, api.options.max_body_bytes).map_err(|error| {
        tracing::error!(%error, correlation = %correlation.0, "no spool folder can be made");
        Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            &codes::UNREADABLE_FILE,
            "the hub cannot keep the body on its disk",
        )
    })?;
    let (parts, body) = request.into_parts();
    let (body, pump) = pumped(body);
    let fields = receive(&mut spool, Request::from_parts(parts, body)).await;
    if fields.is_err() {
        let _ = pump.await;
    }
    let fields = fields?;
    drop(receiving);
    if spool.received.is_empty() {
        return Err(Problem::bad("the request holds no file"));
    }
    let run = fields.run.map(|id| RunArguments {
        id,
        title: fields.title,
        release: fields.release,
        environment: fields.environment,
        platform: fields.platform,
    });
    let whole = tokio::spawn(take_whole(api.clone(), row.clone(), spool, run.clone())).await;
    let (spool, report) = whole.map_err(|error| {
        tracing::error!(%error, correlation = %correlation.0, "taking a report broke");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, &codes::WORKER_LOST, codes::WORKER_LOST.title)
    })?;
    answer(&row, run.as_ref(), &spool, &report.map_err(failed)?)
}

/// A body through a channel: where nobody takes it any more its rest is read and forgotten.
fn pumped(body: Body) -> (Body, tokio::task::JoinHandle<()>) {
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    let pump = tokio::spawn(async move {
        let mut body = body.into_data_stream();
        while let Some(piece) = body.next().await {
            let ended = piece.is_err();
            if sender.send(piece).await.is_err() {
                return drain(body).await;
            }
            if ended {
                return;
            }
        }
    });
    let pieces = futures::stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    (Body::from_stream(pieces), pump)
}

/// Reads the rest of a body that is refused, as far as a sender may be expected to have written it already: one whose connection
/// ends while it writes does not read the answer.
async fn drain(mut body: axum::body::BodyDataStream) {
    let all = async {
        let mut left = DRAINED;
        while let Some(Ok(piece)) = body.next().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_FOR, all).await;
}

/// What can be told before the body is read.
fn check(headers: &HeaderMap, limit: u64) -> Result<(), Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    match headers.get("idempotency-key") {
        Some(key) if key.len() > MAX_KEY || key.is_empty() => {
            Err(Problem::bad(format!("the Idempotency-Key has 1 to {MAX_KEY} characters")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Receives the body: a form, or one file.
async fn receive(spool: &mut Spool, request: Request) -> Result<Fields, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let in_address = Query::<Fields>::try_from_uri(request.uri()).map(|query| query.0);
    let mut fields = in_address.map_err(|error| Problem::bad(error.body_text()))?;
    if !content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        let name = fields.file.clone().unwrap_or_else(|| "report".to_owned());
        let body: Body = request.into_body();
        spool.write(&name, body.into_data_stream()).await?;
        return Ok(fields);
    }
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| half(&error.body_text()))?;
    loop {
        let part = match form.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(fields),
            Err(error) => return Err(half(&error.body_text())),
        };
        if let Some(name) = part.file_name().map(str::to_owned) {
            spool.write(&name, part.map(|piece| piece.map_err(|error| error.body_text()))).await?;
            continue;
        }
        let name = part.name().unwrap_or_default().chars().take(80).collect::<String>();
        let value = field(part).await?;
        let slot = match name.as_str() {
            "run" => &mut fields.run,
            "title" => &mut fields.title,
            "release" => &mut fields.release,
            "environment" => &mut fields.environment,
            "platform" => &mut fields.platform,
            _ => {
                let said = format!(
                    "there is no field {name:?}: run, title, release, environment, platform; a file has a file name"
                );
                return Err(Problem::bad(said));
            }
        };
        *slot = Some(value).filter(|value| !value.is_empty());
    }
}

async fn field(mut part: axum::extract::multipart::Field<'_>) -> Result<String, Problem> {
    let mut value = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|error| half(&error.body_text()))? {
        value.extend_from_slice(&piece);
        if value.len() > MAX_FIELD {
            return Err(Problem::bad(format!("a field has at most {MAX_FIELD} bytes")));
        }
    }
    String::from_utf8(value).map_err(|_| Problem::bad("a field is not UTF-8"))
}

/// Takes what arrived, to its end also where the caller goes away: half a run would be worse than one that nobody waits for.
async fn take_whole(
    api: Api,
    row: ProjectRow,
    spool: Spool,
    run: Option<RunArguments>,
) -> (Spool, Result<IngestReport, hub_app::AppError>) {
    let _taking = api.taking.acquire().await;
    let report = intake::take(&api.store, &row, &api.options.home, spool.folder(), run.as_ref()).await;
    (spool, report)
}

fn answer(
    row: &ProjectRow,
    run: Option<&RunArguments>,
    spool: &Spool,
    report: &IngestReport,
) -> Result<Response, Problem> {
    let out = ReportsOut {
        project: row.key.as_str(),
        run: run.map(|run| run.id.as_str()),
        already_taken: !report.files.is_empty() && report.files.iter().all(|file| file.already_taken),
        incomplete: report.incomplete(),
        received: &spool.received,
        report,
    };
    let nothing_read = !report.files.iter().any(|file| file.format.is_some() || file.already_taken);
    if nothing_read {
        let value = serde_json::to_value(&out).unwrap_or_default();
        let said = "none of the files is a report that the hub knows";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, &codes::NOT_A_REPORT, said).with("report", value));
    }
    let status = if out.already_taken { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(out)).into_response())
}
