//! The secret shared with the server: where it comes from, in this order: systemd's credential,
//! `secret_file`, `secret`. It is never logged, shown or quoted in an error.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use secrecy::{ExposeSecret, SecretString};

/// The secret, and what is odd about where it was found.
pub(crate) struct Found {
    pub(crate) secret: SecretString,
    pub(crate) warning: Option<String>,
}

/// Places in which a secret may be.
pub(crate) struct Places<'a> {
    /// systemd's directory of credentials, and the credential's name.
    pub(crate) credential: Option<(&'a Path, &'a str)>,
    /// `secret_file`.
    pub(crate) file: Option<&'a Path>,
    /// `secret`.
    pub(crate) text: Option<&'a SecretString>,
}

/// Takes the secret from the first place that has one; otherwise what to do.
pub(crate) fn find(places: &Places<'_>) -> Result<Found, String> {
    if let Some((directory, name)) = places.credential {
        let path = directory.join(name);
        if path.exists() {
            let secret = read(&path)?;
            // systemd reads it once, at the start.
            let newer = places.file.and_then(|file| read(file).ok());
            let differs =
                newer.is_some_and(|newer| newer.expose_secret() != secret.expose_secret());
            let warning = differs.then(|| {
                "the file differs from systemd's credential, which counts: restart to take the file's".into()
            });
            return Ok(Found { secret, warning });
        }
    }
    if let Some(path) = places.file {
        let warning = match fs::metadata(path) {
            Ok(meta) if meta.permissions().mode() & 0o004 != 0 => Some(format!(
                "{} can be read by everybody: chmod o-r {}",
                path.display(),
                path.display()
            )),
            _ if places.text.is_some() => Some("secret is ignored, as secret_file is given".into()),
            _ => None,
        };
        return Ok(Found { secret: read(path)?, warning });
    }
    match places.text {
        Some(secret) if secret.expose_secret().is_empty() => {
            Err("secret is empty: give the one of the server's configuration".into())
        }
        Some(secret) if !is_one_line(secret.expose_secret()) => {
            Err("secret has several lines: expected one".into())
        }
        Some(secret) => Ok(Found { secret: secret.clone(), warning: None }),
        None => Err("there is no secret: give secret_file (or secret), the same as in the server's configuration".into()),
    }
}

/// A file's content without the line's end.
fn read(path: &Path) -> Result<SecretString, String> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        // Perhaps it is the secret itself, in the wrong place: it is not quoted then.
        std::io::ErrorKind::NotFound if !path.has_root() => {
            "there is no such file: give its path from /; a secret itself goes to component.secret"
                .into()
        }
        std::io::ErrorKind::NotFound => {
            format!("there is no file {}: create it, with the secret in it", path.display())
        }
        std::io::ErrorKind::InvalidData => format!("{} is not text in UTF-8", path.display()),
        _ => format!("{} cannot be read: {error}", path.display()),
    })?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(format!("{} is empty: put the secret in it", path.display()));
    }
    if !is_one_line(text) {
        return Err(format!("{} has several lines: put the secret alone in it", path.display()));
    }
    Ok(SecretString::from(text))
}

/// Of several lines a server takes the first, or the last, or all of them.
fn is_one_line(text: &str) -> bool {
    !text.contains(['\n', '\r'])
}

/// A new secret: 160 random bits.
pub(crate) fn generate() -> Result<String, String> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(places: &Places<'_>) -> String {
        find(places).map(|found| found.secret.expose_secret().to_owned()).expect("a secret")
    }

    #[test]
    fn a_credential_comes_before_the_file_and_the_file_before_the_text() {
        let directory = tempfile::tempdir().expect("directory");
        fs::write(directory.path().join("secret"), "credential\n").expect("write");
        let file = directory.path().join("file");
        fs::write(&file, "file\n").expect("write");
        let text = SecretString::from("text");
        let all = Places {
            credential: Some((directory.path(), "secret")),
            file: Some(&file),
            text: Some(&text),
        };
        assert_eq!(found(&all), "credential");
        assert!(find(&all).expect("a secret").warning.is_some(), "the file was changed since");
        assert_eq!(found(&Places { credential: Some((directory.path(), "none")), ..all }), "file");
        assert_eq!(found(&Places { credential: None, file: None, ..all }), "text");
        assert!(find(&Places { credential: None, file: None, text: None }).is_err());
    }

    #[test]
    fn a_file_that_everybody_reads_is_warned_of_and_an_empty_one_refused() {
        let directory = tempfile::tempdir().expect("directory");
        let file = directory.path().join("file");
        fs::write(&file, "s\n").expect("write");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("mode");
        let places = Places { credential: None, file: Some(&file), text: None };
        assert!(find(&places).expect("a secret").warning.is_some());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("mode");
        assert!(find(&places).expect("a secret").warning.is_none());
        fs::write(&file, "\n").expect("write");
        assert!(find(&places).is_err());
    }

    #[test]
    fn a_secret_in_the_place_of_its_file_is_not_told() {
        let wrong = Places { credential: None, file: Some(Path::new("hunter2")), text: None };
        let Err(why) = find(&wrong) else { panic!("there is no such file") };
        assert!(!why.contains("hunter2") && why.contains("component.secret"), "{why}");
    }

    #[test]
    fn a_secret_of_several_lines_is_a_mistake() {
        let directory = tempfile::tempdir().expect("directory");
        let file = directory.path().join("file");
        fs::write(&file, "# the secret\nhunter2\n").expect("write");
        let none = Places { credential: None, file: None, text: None };
        let why = find(&Places { file: Some(&file), ..none }).err().expect("a mistake");
        assert!(why.contains("several lines") && !why.contains("hunter2"), "{why}");
        let text = SecretString::from("hunter2\nhunter3");
        let none = Places { credential: None, file: None, text: None };
        assert!(find(&Places { text: Some(&text), ..none }).is_err());
    }
}
