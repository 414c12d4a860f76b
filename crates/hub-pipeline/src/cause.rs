//! Errors of the infrastructure: the thing under test was never asked, or never came to an answer. A result that fails for
//! one of these is broken, whatever the tool calls it, and no defect (docs/enrichment.md).
//!
//! The rules are a list; each has the message of a tool as its example, which a test holds against the whole list.

use hub_domain::vocabulary::FailureCause;

/// A rule: all of the needles, in lower case, stand in the error.
struct Rule {
    cause: FailureCause,
    needles: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the list's own test reads it"))]
    example: &'static str,
}

const fn rule(cause: FailureCause, needles: &'static [&'static str], example: &'static str) -> Rule {
    Rule { cause, needles, example }
}

use FailureCause::{
    BrowserClosed, BrowserMissing, Certificate, ConnectionLost, ConnectionRefused, ConnectionTimeout, DiskFull, Dns,
    Gateway, Network, OutOfMemory, SessionNotCreated,
};

/// The rules; the first that fits counts, so what says more stands before what says less.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    rule(DiskFull, &["enospc"], "Error: ENOSPC: no space left on device, write"),
    rule(DiskFull, &["no space left on device"], "OSError: [Errno 28] No space left on device: '/tmp/shot.png'"),
    rule(DiskFull, &["there is not enough space on the disk"], "System.IO.IOException: There is not enough space on the disk."),
    rule(OutOfMemory, &["javascript heap out of memory"], "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
    rule(OutOfMemory, &["java.lang.outofmemoryerror"], "java.lang.OutOfMemoryError: Java heap space"),
    rule(OutOfMemory, &["system.outofmemoryexception"], "System.OutOfMemoryException: Insufficient memory to continue the execution of the program."),
    rule(OutOfMemory, &["oomkilled"], "container e2e-runner terminated: OOMKilled"),
    rule(OutOfMemory, &["cannot allocate memory"], "OSError: [Errno 12] Cannot allocate memory"),
    rule(OutOfMemory, &["runtime: out of memory"], "fatal error: runtime: out of memory"),

    rule(BrowserMissing, &["executable doesn't exist"], "browserType.launch: Executable doesn't exist at /root/.cache/ms-playwright/chromium-1091/chrome-linux/chrome"),
    rule(BrowserMissing, &["playwright install"], "Looks like Playwright was just installed or updated. Please run the following command: npx playwright install"),
    rule(BrowserMissing, &["missing dependencies to run browsers"], "Host system is missing dependencies to run browsers."),
    rule(BrowserMissing, &["failed to launch the browser process"], "Error: Failed to launch the browser process! spawn chrome ENOENT"),
    rule(BrowserMissing, &["cannot find", "binary", "chrome"], "WebDriverException: unknown error: cannot find Chrome binary"),
    rule(BrowserMissing, &["unable to find a matching set of capabilities"], "Unable to find a matching set of capabilities"),
    rule(BrowserMissing, &["chromedriver", "must be in path"], "'chromedriver' executable needs to be in PATH: chromedriver must be in PATH"),
    rule(BrowserMissing, &["driver executable", "must be set"], "IllegalStateException: The path to the driver executable must be set by the webdriver.chrome.driver system property"),
    rule(BrowserMissing, &["browser was not found"], "Cypress: The specified browser was not found on your system: chrome"),
    rule(SessionNotCreated, &["session not created"], "SessionNotCreatedException: session not created: This version of ChromeDriver only supports Chrome version 114"),
    rule(SessionNotCreated, &["sessionnotcreatedexception"], "org.openqa.selenium.SessionNotCreatedException: Could not start a new session."),
    rule(SessionNotCreated, &["could not start a new session"], "Could not start a new session. Possible causes are invalid address of the remote server or browser start-up failure."),
    rule(SessionNotCreated, &["a new session could not be created"], "An unknown server-side error occurred: A new session could not be created. Details: Unable to find a device"),
    rule(BrowserClosed, &["target page, context or browser has been closed"], "page.click: Target page, context or browser has been closed"),
    rule(BrowserClosed, &["target closed"], "Protocol error (Runtime.callFunctionOn): Target closed."),
    rule(BrowserClosed, &["browser has disconnected"], "Navigation failed because browser has disconnected!"),
    rule(BrowserClosed, &["page crashed"], "Error: page.goto: Page crashed"),
    rule(BrowserClosed, &["invalid session id"], "InvalidSessionIdError: invalid session id"),
    rule(BrowserClosed, &["nosuchsessionexception"], "org.openqa.selenium.NoSuchSessionException: Session ID is null. Using WebDriver after calling quit()?"),
    rule(BrowserClosed, &["not connected to devtools"], "disconnected: not connected to DevTools"),

    rule(Dns, &["enotfound"], "Error: getaddrinfo ENOTFOUND api.shop.example.com"),
    rule(Dns, &["eai_again"], "Error: getaddrinfo EAI_AGAIN api.shop.example.com"),
    rule(Dns, &["getaddrinfo failed"], "socket.gaierror: [Errno 11001] getaddrinfo failed"),
    rule(Dns, &["err_name_not_resolved"], "page.goto: net::ERR_NAME_NOT_RESOLVED at https://shop.example.com/"),
    rule(Dns, &["ns_error_unknown_host"], "page.goto: NS_ERROR_UNKNOWN_HOST"),
    rule(Dns, &["unknownhostexception"], "java.net.UnknownHostException: api.shop.example.com"),
    rule(Dns, &["name or service not known"], "urllib3.exceptions.NameResolutionError: [Errno -2] Name or service not known"),
    rule(Dns, &["temporary failure in name resolution"], "requests.exceptions.ConnectionError: [Errno -3] Temporary failure in name resolution"),
    rule(Dns, &["nodename nor servname provided"], "[Errno 8] nodename nor servname provided, or not known"),
    rule(Dns, &["no such host"], "dial tcp: lookup api.shop.example.com: no such host"),
    rule(Dns, &["could not resolve host"], "curl: (6) Could not resolve host: api.shop.example.com"),

    rule(Certificate, &["net::err_cert_"], "page.goto: net::ERR_CERT_AUTHORITY_INVALID at https://stg.example.com/"),
    rule(Certificate, &["net::err_ssl_"], "page.goto: net::ERR_SSL_PROTOCOL_ERROR at https://stg.example.com/"),
    rule(Certificate, &["sec_error_"], "page.goto: SEC_ERROR_UNKNOWN_ISSUER"),
    rule(Certificate, &["certificate_verify_failed"], "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate"),
    rule(Certificate, &["pkix path building failed"], "sun.security.validator.ValidatorException: PKIX path building failed"),
    rule(Certificate, &["sslhandshakeexception"], "javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure"),
    rule(Certificate, &["unable to verify the first certificate"], "Error: unable to verify the first certificate"),
    rule(Certificate, &["depth_zero_self_signed_cert"], "FetchError: request failed, reason: DEPTH_ZERO_SELF_SIGNED_CERT"),
    rule(Certificate, &["self signed certificate"], "Error: self signed certificate in certificate chain"),
    rule(Certificate, &["self-signed certificate"], "Error: self-signed certificate"),
    rule(Certificate, &["certificate has expired"], "Error: certificate has expired"),
    rule(Certificate, &["the ssl connection could not be established"], "System.Net.Http.HttpRequestException: The SSL connection could not be established, see inner exception."),
    rule(Certificate, &["x509: "], "tls: failed to verify certificate: x509: certificate signed by unknown authority"),

    rule(ConnectionRefused, &["econnrefused"], "Error: connect ECONNREFUSED 127.0.0.1:3000"),
    rule(ConnectionRefused, &["connection refused"], "java.net.ConnectException: Connection refused (Connection refused)"),
    rule(ConnectionRefused, &["err_connection_refused"], "page.goto: net::ERR_CONNECTION_REFUSED at http://localhost:3000/"),
    rule(ConnectionRefused, &["ns_error_connection_refused"], "page.goto: NS_ERROR_CONNECTION_REFUSED"),
    rule(ConnectionRefused, &["actively refused it"], "No connection could be made because the target machine actively refused it. (localhost:5000)"),
    rule(ConnectionRefused, &["could not connect to server"], "page.goto: Could not connect to server"),
    rule(ConnectionLost, &["econnreset"], "Error: read ECONNRESET"),
    rule(ConnectionLost, &["socket hang up"], "Error: socket hang up"),
    rule(ConnectionLost, &["epipe"], "Error: write EPIPE"),
    rule(ConnectionLost, &["connection reset"], "java.net.SocketException: Connection reset"),
    rule(ConnectionLost, &["err_connection_reset"], "page.goto: net::ERR_CONNECTION_RESET at https://stg.example.com/"),
    rule(ConnectionLost, &["err_connection_closed"], "page.goto: net::ERR_CONNECTION_CLOSED at https://stg.example.com/"),
    rule(ConnectionLost, &["ns_error_net_reset"], "page.goto: NS_ERROR_NET_RESET"),
    rule(ConnectionLost, &["remote end closed connection without response"], "http.client.RemoteDisconnected: Remote end closed connection without response"),
    rule(ConnectionLost, &["nohttpresponseexception"], "org.apache.http.NoHttpResponseException: stg.example.com:443 failed to respond"),
    rule(ConnectionTimeout, &["connect etimedout"], "Error: connect ETIMEDOUT 203.0.113.7:443"),
    rule(ConnectionTimeout, &["esockettimedout"], "RequestError: ESOCKETTIMEDOUT"),
    rule(ConnectionTimeout, &["connect timed out"], "java.net.SocketTimeoutException: connect timed out"),
    rule(ConnectionTimeout, &["connecttimeouterror"], "ConnectTimeoutError: Connect Timeout Error"),
    rule(ConnectionTimeout, &["connecttimeout"], "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='stg.example.com', port=443): Max retries exceeded"),
    rule(ConnectionTimeout, &["err_connection_timed_out"], "page.goto: net::ERR_CONNECTION_TIMED_OUT at https://stg.example.com/"),
    rule(ConnectionTimeout, &["net::err_timed_out"], "page.goto: net::ERR_TIMED_OUT at https://stg.example.com/"),
    rule(ConnectionTimeout, &["ns_error_net_timeout"], "page.goto: NS_ERROR_NET_TIMEOUT"),
    rule(ConnectionTimeout, &["dial tcp", "i/o timeout"], "dial tcp 203.0.113.7:443: i/o timeout"),
    rule(Network, &["ehostunreach"], "Error: connect EHOSTUNREACH 203.0.113.7:443"),
    rule(Network, &["enetunreach"], "Error: connect ENETUNREACH 203.0.113.7:443"),
    rule(Network, &["no route to host"], "java.net.NoRouteToHostException: No route to host"),
    rule(Network, &["network is unreachable"], "OSError: [Errno 101] Network is unreachable"),
    rule(Network, &["newconnectionerror"], "urllib3.exceptions.NewConnectionError: Failed to establish a new connection"),
    rule(Network, &["net::err_"], "page.goto: net::ERR_INTERNET_DISCONNECTED at https://stg.example.com/"),
    rule(Gateway, &["502 bad gateway"], "<html><head><title>502 Bad Gateway</title></head>"),
    rule(Gateway, &["503 service unavailable"], "HttpServerErrorException: 503 Service Unavailable"),
    rule(Gateway, &["503 service temporarily unavailable"], "<title>503 Service Temporarily Unavailable</title>"),
    rule(Gateway, &["504 gateway time"], "<h1>504 Gateway Time-out</h1>"),
    rule(Gateway, &["502 server error: bad gateway"], "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway for url: https://stg.example.com/"),
    rule(Gateway, &["503 server error: service"], "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: https://stg.example.com/"),
    rule(Gateway, &["504 server error: gateway"], "requests.exceptions.HTTPError: 504 Server Error: Gateway Timeout for url: https://stg.example.com/"),
    rule(Gateway, &["request failed with status code 502"], "AxiosError: Request failed with status code 502"),
    rule(Gateway, &["request failed with status code 503"], "AxiosError: Request failed with status code 503"),
    rule(Gateway, &["request failed with status code 504"], "AxiosError: Request failed with status code 504"),
];

/// How many lines of the details are looked at: the error itself, not the whole trace.
const DETAIL_LINES: usize = 12;

/// The cause that an error names, if it is one of the infrastructure.
///
/// What a test expects is not what happened: lines that state an expectation, and lines of code that a tool quotes, do not
/// count.
#[must_use]
pub fn of_error(error_type: Option<&str>, message: Option<&str>, details: Option<&str>) -> Option<FailureCause> {
    let mut text = String::new();
    let lines = error_type.into_iter().chain(message.unwrap_or_default().lines());
    let causes = details.unwrap_or_default().lines().enumerate().filter_map(|(at, line)| {
        (at < DETAIL_LINES || line.trim_start().to_ascii_lowercase().starts_with("caused by")).then_some(line)
    });
    for line in lines.chain(causes) {
        let line = line.trim().to_lowercase();
        if !states_expectation(&line) && !is_quoted_code(&line) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    let found = RULES.iter().find(|rule| rule.needles.iter().all(|needle| text.contains(needle)))?.cause;
    // A test that used its time up has its browser closed by the tool: that is its timeout.
    let used_up = text.contains("test timeout of") || text.contains("timeout of") && text.contains("ms exceeded");
    (found != BrowserClosed || !used_up).then_some(found)
}

fn states_expectation(line: &str) -> bool {
    let line = line.trim_start_matches(['e', '>', ' ', '-', '+']).trim_start();
    line.starts_with("xpected")
        || line.starts_with("expected")
        || line.contains("to contain")
        || line.contains("to equal")
}

/// `> 12 |   await expect(page)...`: a line of the test that a tool shows.
fn is_quoted_code(line: &str) -> bool {
    let line = line.trim_start_matches('>').trim_start();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < line.len() && digits.trim_start().starts_with('|')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_example_first() {
        for rule in RULES {
            assert_eq!(of_error(None, Some(rule.example), None), Some(rule.cause), "{}", rule.example);
            assert_eq!(of_error(None, None, Some(rule.example)), Some(rule.cause), "{}", rule.example);
            assert!(rule.needles.iter().all(|n| n.to_lowercase() == **n), "{:?}", rule.needles);
        }
    }

    #[test]
    fn every_cause_has_a_rule() {
        for cause in FailureCause::ALL {
            assert!(RULES.iter().any(|rule| rule.cause == *cause), "{cause}");
        }
    }

    #[test]
    fn failures_of_the_thing_under_test_have_no_such_cause() {
        for message in [
            "expect(received).toBe(expected)\n\nExpected: 200\nReceived: 503",
            "Expected substring: \"ECONNREFUSED\"\nReceived string: \"ok\"",
            "AssertionError: expected 'Connection lost' to contain 'Connection refused'",
            "org.opentest4j.AssertionFailedError: expected: <1> but was: <2>",
            "TimeoutError: locator.click: Timeout 30000ms exceeded.",
            "Test timeout of 30000ms exceeded.\nError: page.click: Target page, context or browser has been closed",
            "assert 3 == 4",
            "panic: runtime error: index out of range [3] with length 3",
            "NullPointerException: Cannot invoke \"Cart.total()\"",
            "",
        ] {
            assert_eq!(of_error(None, Some(message), None), None, "{message}");
        }
        let quoted = "Error: nothing shown\n\n> 12 |   await expect(page).toHaveText('net::ERR_FAILED');\n    at cart.spec.ts:12:3";
        assert_eq!(of_error(None, Some("Error: nothing shown"), Some(quoted)), None);
        let caused = format!("Error: setup\n{}Caused by: java.net.UnknownHostException: db", "  at x\n".repeat(40));
        assert_eq!(of_error(None, None, Some(&caused)), Some(Dns));
        assert_eq!(of_error(Some("java.net.UnknownHostException"), None, None), Some(Dns));
    }
}
