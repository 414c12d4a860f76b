//! What happens to a connection: answers held back, bodies cut in the middle, connections reset.
//!
//! A reset is a real one (TCP RST): a client then reads another error than for a connection that was closed in order,
//! and code that treats only one of them as a lost answer is found out.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Time for the head and the first part of a body to leave before the connection is reset. A reset discards what the
/// other side has not read yet, and clients on the same machine read within a fraction of this.
const FLUSH: Duration = Duration::from_millis(50);

/// How an answer reaches its caller; found in the answer's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// How long it is held back.
    pub hold: Duration,
    /// Where it breaks off.
    pub cut: Option<Cut>,
}

/// Where an answer breaks off.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// Before its first byte; the connection is closed in order.
    Everything,
    /// After so many bytes of the body, or half of them; the connection is reset.
    Body(Option<usize>),
}

/// Tells a connection to end in a reset.
#[derive(Debug, Clone, Default)]
pub struct Breaker(Arc<AtomicBool>);

impl Breaker {
    fn trip(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn tripped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Connected<IncomingStream<'_, Wires>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().breaker.clone()
    }
}

/// A listener whose connections can be reset.
#[derive(Debug)]
pub struct Wires(pub TcpListener);

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Wire { stream, breaker: Breaker::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that can be reset.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    breaker: Breaker,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.breaker.tripped()
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::warn!(%error, "a connection is closed in order instead of reset");
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.breaker.tripped() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if self.breaker.tripped() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closing in order would come before the reset.
        if self.breaker.tripped() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The outermost middleware: everything is counted and written to the log before an answer is held back or lost.
pub async fn end(request: Request, next: Next) -> Response {
    let breaker = request.extensions().get::<ConnectInfo<Breaker>>().map(|info| info.0.clone()).unwrap_or_default();
    let answer = next.run(request).await;
    let Some(ending) = answer.extensions().get::<Ending>().copied() else {
        return answer;
    };
    if !ending.hold.is_zero() {
        tokio::time::sleep(ending.hold).await;
    }
    match ending.cut {
        None => answer,
        Some(Cut::Everything) => broken(answer, Bytes::new(), 1, None),
        Some(Cut::Body(at)) => {
            let (head, body) = answer.into_parts();
            // The log has read the body already, within a limit of its own.
            let Ok(whole) = to_bytes(body, usize::MAX).await else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            let announced = whole.len().max(1);
            let part = whole.slice(..at.unwrap_or(whole.len() / 2).min(announced - 1));
            broken(Response::from_parts(head, Body::empty()), part, announced, Some(breaker))
        }
    }
}

/// An answer that announces more than it gives and then fails the connection.
fn broken(answer: Response, part: Bytes, announced: usize, breaker: Option<Breaker>) -> Response {
    let failure = || io::Error::from(io::ErrorKind::ConnectionReset);
    let chunks = futures::stream::unfold(Some(part), move |state| {
        let breaker = breaker.clone();
        async move {
            match state {
                Some(part) if !part.is_empty() => Some((Ok(part), Some(Bytes::new()))),
                Some(_) => {
                    if let Some(breaker) = breaker {
                        tokio::time::sleep(FLUSH).await;
                        breaker.trip();
                    }
                    // A failing body makes the server drop the connection; a head that was not sent yet is dropped too.
                    Some((Err(failure()), None))
                }
                None => None,
            }
        }
    });
    let (mut head, _) = answer.into_parts();
    // Answers without a body would be sent whole.
    if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        head.status = StatusCode::OK;
    }
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(announced));
    Response::from_parts(head, Body::from_stream(chunks))
}
