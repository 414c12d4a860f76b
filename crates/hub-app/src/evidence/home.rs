//! Where a project's evidence is kept: the store that its settings name, or the hub's own folder.

use std::path::{Path, PathBuf};

use hub_domain::settings::EvidenceSettings;
use hub_evidence::{EvidenceStore, Keys, Location};

use crate::{AppError, credentials};

/// What this process offers to projects that name no store of their own.
#[derive(Debug, Clone)]
pub struct Home {
    folder: PathBuf,
}

impl Home {
    /// Evidence goes below the hub's data folder.
    #[must_use]
    pub fn below(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("evidence") }
    }

    /// Opens the store of a project. No call is made.
    ///
    /// # Errors
    /// A secret that is not there, or a store that cannot be one.
    pub fn open(&self, settings: &EvidenceSettings) -> Result<EvidenceStore, AppError> {
        Ok(EvidenceStore::open(&self.location(settings)?)?)
    }

    fn location(&self, settings: &EvidenceSettings) -> Result<Location, AppError> {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let Some(rest) = settings.store.strip_prefix("s3://") else {
            let folder = text(&settings.store).map_or_else(|| self.folder.clone(), PathBuf::from);
            return Ok(Location::Folder(std::path::absolute(&folder).unwrap_or(folder)));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let keys = match (text(&settings.access_key), text(&settings.secret_key)) {
            (Some(access), Some(secret)) => Some(Keys {
                access: credentials::resolve(&access)?,
                secret: credentials::resolve(&secret)?,
                session: text(&settings.session_token).map(|session| credentials::resolve(&session)).transpose()?,
            }),
            (_, _) => None,
        };
        Ok(Location::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: text(&settings.endpoint),
            region: settings.region.clone(),
            keys,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_without_a_word_has_the_hubs_folder_and_a_missing_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::below(dir.path());
        assert!(home.open(&EvidenceSettings::default()).unwrap().name().ends_with("/evidence"));
        let settings = EvidenceSettings {
            store: "s3://bucket/a".into(),
            access_key: "env://HUB_TEST_NOT_SET_ANYWHERE".into(),
            secret_key: "env://HUB_TEST_NOT_SET_ANYWHERE".into(),
            ..EvidenceSettings::default()
        };
        assert_eq!(home.open(&settings).unwrap_err().code().id, "HUB-4002");
    }
}
