//! The errors a user can meet: one list. A code never changes its meaning; each has a page `docs/errors/HUB-nnnn.md`.
//!
//! HUB-1xxx input, HUB-2xxx publishing, HUB-3xxx database, HUB-4xxx configuration and command line, HUB-5xxx a team's own
//! database, HUB-6xxx evidence and the API.

use serde::{Serialize, Serializer};

/// A stable error code with the one sentence that helps.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `HUB-` and four digits.
    pub id: &'static str,
    /// What it means, as a fragment.
    pub title: &'static str,
    /// What to do, as a sentence.
    pub hint: &'static str,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $hint:literal;)*) => {
        $(#[doc = $title]
        pub static $name: Code = Code { id: $id, title: $title, hint: $hint };)*

        /// Every code, in order.
        pub static CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    NOT_A_REPORT = "HUB-1001", "the file is not a report the hub knows", "Hand over the report as the test tool wrote it; `haida-hub formats` lists what is known.";
    NOT_WELL_FORMED = "HUB-1002", "the file is damaged or ends too early", "Write the report again; what stands before the damage was taken.";
    UNKNOWN_ENCODING = "HUB-1003", "the file's encoding is unknown", "Save the file as UTF-8, or name its true encoding in the XML declaration.";
    DOCTYPE_REFUSED = "HUB-1004", "the file's DOCTYPE may carry declarations", "Remove the DOCTYPE; reports need none and it can carry an attack.";
    TOO_MUCH_MARKUP = "HUB-1005", "a tag is larger or deeper than any report needs", "Check which tool wrote the file; limits are listed on this code's page.";
    NO_NAME = "HUB-1006", "a record has no name or id", "Give the test case a name or an id; without one it cannot be told from others.";
    ID_TWICE = "HUB-1007", "an id is used twice in one file", "Give each record its own id; the first one was taken.";
    TOO_LONG = "HUB-1008", "a text is longer than can be published", "Nothing to do: the text was shortened at a marked place; keep long output in an attachment.";
    CONTROL_CHARACTERS = "HUB-1009", "a text holds control characters", "Nothing to do: they were removed, because neither XML nor Jira can hold them.";
    WRONG_COLUMNS = "HUB-1010", "a row has another number of columns than the header", "Quote or escape the separator inside the row's fields.";
    UNKNOWN_WORD = "HUB-1011", "a value is not in the vocabulary", "Use a word listed on this code's page; the source's word is kept beside the canonical one.";
    UNREADABLE_VALUE = "HUB-1012", "a number or date cannot be read", "Correct the value at the source; it was left empty here.";
    COUNTS_DISAGREE = "HUB-1013", "the report's header counts other numbers than its rows", "Nothing to do: rows are counted and the header's numbers are kept beside them.";
    EMPTY_REPORT = "HUB-1014", "the report holds no test", "Check that the test tool ran; an empty report is recorded as such.";
    UNREADABLE_FILE = "HUB-1015", "the file cannot be opened", "Check the path and the permission.";
    UNKNOWN_REFERENCE = "HUB-1016", "a record points to something that is not there", "Load the file that holds it as well; the record was taken without the link.";
    SOURCES_DISAGREE = "HUB-1017", "two sources say different things of the same", "Look at both with `haida-hub rejects show`; `rejects resolve` keeps what counts now, and with `--take` the other.";
    LEFT_OUT = "HUB-1018", "lines that hold no record were left out", "Nothing to do: repeated headers, template rows, footers and blank lines are no records.";
    COLUMNS_ASSUMED = "HUB-1019", "a table was read by the look of its columns", "Compare with the file; describe the table in the project's `[[tables]]` to say what each column means.";

    ARCHIVE_BOMB = "HUB-1021", "the archive unpacks to more than any report holds", "Hand over the report itself, or an archive that holds nothing else.";
    ARCHIVE_DAMAGED = "HUB-1022", "the archive or packed file cannot be unpacked", "Pack it again with plain ZIP or gzip, without a password.";
    UNSAFE_PATH = "HUB-1023", "a path leads out of the folder or archive it belongs to", "Pack the files again with paths relative to one folder and without links.";
    NESTED_ARCHIVE = "HUB-1024", "an archive lies inside an archive", "Unpack the outer archive and hand over what it holds.";
    REDACTED = "HUB-1030", "a text held what must not be kept", "Keep credentials, card numbers and personal data out of reports; they were removed before anything was stored.";
    UNKNOWN_FAILURE = "HUB-1031", "there is no failure with this fingerprint", "List failures with `haida-hub failures list`.";
    TOO_MANY_FAILURES = "HUB-1032", "a run has more new failures than it may make defects of", "Look at the run first; accept single failures with `haida-hub failures accept`, or raise `max_new_per_run`.";

    SITE_UNREACHABLE = "HUB-2001", "the site does not answer", "Check the address, the network and the site's status page, then run the command again.";
    AUTHENTICATION = "HUB-2002", "the site does not accept the account or token", "Renew the API token and the value behind its credential reference; nothing was created.";
    PERMISSION = "HUB-2003", "the account may not do this at the site", "Give the account the permission named in the message.";
    REMOTE_MISSING = "HUB-2004", "the project or space does not exist at the site, or the account cannot see it", "Check the key given at `project add` and the account's access.";
    REFUSED = "HUB-2005", "the site refuses the content", "Read the site's message; correct the content at its source or the screen in Jira.";
    THROTTLED = "HUB-2006", "the site's rate limit was reached", "Nothing to do: the hub waits as long as the site asks and goes on.";
    UNCERTAIN = "HUB-2007", "it is not known whether a create reached the site", "Nothing to do: the hub looks for its marker before it sends again.";
    TITLE_TAKEN = "HUB-2008", "a page with this title exists and is not the hub's", "Rename the other page; the hub never overwrites a page that it did not write.";
    REMOTE_FAILED = "HUB-2009", "the site failed to answer properly", "The hub tries again; if it goes on, look at the site's status page.";
    WAITS_FOR_PARENT = "HUB-2010", "the object waits for another that is not published", "Look at the other object's error with `haida-hub status`.";

    NO_POSTGRES = "HUB-3001", "no PostgreSQL server binaries were found", "Install PostgreSQL 15 or newer (Debian: `apt-get install postgresql`), or set HUB_PG_BIN or DATABASE_URL.";
    POSTGRES_START = "HUB-3002", "the private PostgreSQL server did not start", "Read the server's log named in the message.";
    DATABASE_UNREACHABLE = "HUB-3003", "the database does not answer", "Check DATABASE_URL and that the server runs.";
    NOT_MIGRATED = "HUB-3004", "the database is not at this version's schema", "Run `haida-hub migrate`.";
    MIGRATION_CHANGED = "HUB-3005", "an applied migration was changed afterwards", "Restore the file; put the change into a new migration.";
    DATABASE_FAILED = "HUB-3006", "the database refused a statement", "Read the message; if it goes on, report it with the correlation id.";
    WORKER_LOST = "HUB-3007", "a worker ended before its work did", "Nothing to do: the lane is taken over; if it repeats, look at the worker's log and memory.";
    NEWER_JOB = "HUB-3008", "a job of the queue was written by a newer version of the hub", "Update this process; until then a newer one does the work.";

    RAW_CREDENTIAL = "HUB-4001", "a credential was given in plain text", "Put the token into an environment variable and give its name: `--credential env://NAME`.";
    CREDENTIAL_MISSING = "HUB-4002", "the secret behind a credential reference is not there", "Set the environment variable, or create the file, that the reference names.";
    UNKNOWN_PROJECT = "HUB-4003", "there is no project with this key", "List projects with `haida-hub status`; add one with `haida-hub project add`.";
    BAD_SETTING = "HUB-4004", "a setting or argument cannot be used", "Correct the value named in the message.";
    PROJECT_EXISTS = "HUB-4005", "the project exists with other settings", "Use another key, or give `--update` to change it.";
    PORT_TAKEN = "HUB-4006", "the port is in use", "Stop the other program or choose another port.";
    HELPER_MISSING = "HUB-4007", "a program the command needs is missing", "Build or install the program named in the message.";
    PROJECT_ARCHIVED = "HUB-4008", "the project is archived", "Take it up again with `haida-hub project unarchive`; nothing of it is published until then.";

    SOURCE_DOWN = "HUB-5001", "the source database does not answer", "Check the address behind the source's connection and that the database runs; the hub tries again by itself.";
    SOURCE_REFUSED = "HUB-5002", "the source refuses the login or the reading of a table", "Check user and password, and give the reader role its grants: `haida-hub source sql --role`.";
    SOURCE_SLOW = "HUB-5003", "the source takes longer than the time limit", "Add the index that `haida-hub source sql --role` advises, or raise timeout_s.";
    SOURCE_COLUMNS = "HUB-5004", "a table of the source has not the columns that are needed", "Correct the preset or the SELECT; `haida-hub source pull --full` takes the columns as they are now.";
    SOURCE_SHRANK = "HUB-5005", "too much of the source would vanish at once", "Look whether the source is whole; if the rows are gone on purpose, `haida-hub source pull --accept-shrink`.";
    SOURCE_HELD = "HUB-5006", "an old open transaction holds the reading of the source up", "End the session named in the message at the source; nothing is lost meanwhile.";
    SOURCE_SELECT = "HUB-5007", "a SELECT of the source cannot be used", "Correct the SELECT in the project's settings; the message holds what the database says.";
    SOURCE_BLIND = "HUB-5008", "the source does not show its open transactions", "Install the function of `haida-hub source sql --role`; until then every pull reads the last minutes again.";
    SOURCE_PROJECT = "HUB-5009", "the source has no such project", "Correct project and tenant of the source: an id or a slug as the source has it.";
    SOURCE_RESTORED = "HUB-5010", "the source's database was restored, or its outbox emptied", "Nothing to do: the source is compared with the hub as a whole.";

    EVIDENCE_STORE_DOWN = "HUB-6001", "the evidence store does not answer", "Nothing is lost: results are taken without it. Check the address and the network; a worker tries again.";
    EVIDENCE_CREDENTIALS = "HUB-6002", "the evidence store does not accept the keys", "Renew the keys behind `access_key` and `secret_key`, and check that they may read and write the bucket.";
    EVIDENCE_BUCKET = "HUB-6003", "the bucket or folder for evidence is not there", "Create the bucket, or correct `store` in the project's settings.";
    EVIDENCE_STORE_REFUSED = "HUB-6004", "the evidence store refuses a file", "Read the store's message; its own limit for a file may be below `max_bytes`.";
    EVIDENCE_OUTSIDE = "HUB-6005", "an attachment lies outside of the report's folder", "Hand over the folder that holds the attachments; links, devices and paths that leave it are never followed.";
    EVIDENCE_MISSING = "HUB-6006", "a report names an attachment that is not there", "Hand over the folder with the attachments; the result was taken without it.";
    EVIDENCE_TOO_LARGE = "HUB-6007", "a file is larger than allowed", "Make the file smaller, or raise the limit that the message names.";
    EVIDENCE_CHANGED = "HUB-6008", "stored evidence is not what its record says", "Run `haida-hub evidence check`; hand the report over again with `--again` to store it anew.";
    EVIDENCE_GONE = "HUB-6009", "the link leads to no evidence", "It expired by the project's rules, is not stored yet, or the address is incomplete.";
    API_TOKEN = "HUB-6010", "the request carries no token that is accepted", "Make one with `haida-hub token add` and send it as `Authorization: Bearer ..`.";
}

/// Finds a code by its id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Code> {
    CODES.iter().copied().find(|code| code.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_sorted_and_worded_alike() {
        for pair in CODES.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
        }
        for code in CODES {
            assert!(!code.title.ends_with('.') && code.hint.ends_with('.'), "{}", code.id);
            assert_eq!(find(code.id), Some(*code));
        }
        assert_eq!(find("HUB-9999"), None);
    }
}
