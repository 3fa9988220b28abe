//! A certificate that nobody trusts but whoever is told to.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// Certificate and key for `localhost` and 127.0.0.1, in files that go away when this is dropped.
pub struct Certificate(TempDir);

impl Certificate {
    /// A new one.
    ///
    /// # Panics
    ///
    /// If its files cannot be written.
    pub fn new() -> Self {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let files = Certificate(tempfile::tempdir().expect("a directory"));
        fs::write(files.path(), made.cert.pem()).expect("a file");
        fs::write(files.key(), made.signing_key.serialize_pem()).expect("a file");
        files
    }

    /// Where the certificate is.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    /// Where its key is.
    pub fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Certificate::new()
    }
}
