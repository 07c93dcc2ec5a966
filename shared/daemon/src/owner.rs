//! Files that root makes in the service's directories belong to the service afterwards: otherwise
//! a command run as root would keep the service from starting.

use std::{
    fs,
    os::unix::fs::{MetadataExt, lchown},
    path::Path,
};

/// The directory belongs to a user other than the one who runs this.
pub(crate) fn is_of_another(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.uid() != rustix::process::geteuid().as_raw())
}

/// Gives everything below `path` to the owner of `path`; where it was just made, to the owner of
/// the directory that it is in. Only root can and needs to.
pub(crate) fn settle(path: &Path, was_there: bool) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let model = if was_there { Some(path) } else { path.parent() };
    let Some(meta) = model.and_then(|model| fs::metadata(model).ok()) else { return };
    give(path, meta.uid(), meta.gid());
}

fn give(path: &Path, user: u32, group: u32) {
    let _ = lchown(path, Some(user), Some(group));
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            give(&entry.path(), user, group);
        } else {
            let _ = lchown(entry.path(), Some(user), Some(group));
        }
    }
}

/// Gives a file to a group, where there is such a group and root does it: true if it was done.
pub(crate) fn share(path: &Path, group: &str) -> bool {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let id = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok())?
    });
    rustix::process::geteuid().is_root()
        && id.is_some_and(|id| lchown(path, None, Some(id)).is_ok())
}
