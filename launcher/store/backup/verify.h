// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading a backup: nothing of it is believed before all of it was checked.
#pragma once

#include <functional>
#include <string>

#include "launcher/store/backup/archive.h"
#include "launcher/store/backup/manifest.h"

namespace dragoman {

/// True for a name that stays below the folder it is unpacked in, in one of the folders of a
/// backup.
bool is_safe_entry(const std::string& name);

/// Reads the whole file: its header, every entry's name, kind, size and SHA-256, the manifest.
/// Throws BackupError, which names the file, what is wrong and what to do.
Manifest verify_backup(const std::string& path);

/// Only the header, from the archive's start. Throws BackupError.
BackupHeader read_backup_header(const std::string& path);

/// Unpacks entries of a backup that verify_backup() accepted. `target_of` says where an entry goes
/// (it must not exist; its folders are made, mode 0750); empty: it is left out, of the segments all
/// or none. Checks them against `manifest` again; leaves it to the caller to sync them to the disk.
/// Throws BackupError.
void unpack_backup(const std::string& path, const Manifest& manifest,
                   const std::function<std::string(const std::string& name)>& target_of);

}  // namespace dragoman
