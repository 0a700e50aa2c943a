// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/verify.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "launcher/store/backup/sha256.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;
constexpr uint64_t kMaxJsonBytes = 256 << 20;
constexpr char kCure[] = "; use another backup";

[[noreturn]] void damaged(const std::string& path, const std::string& why) {
  throw BackupError("backup " + path + ": " + why + kCure);
}

std::string read_text(ArchiveReader& reader, const ArchiveEntry& entry) {
  if (entry.size > kMaxJsonBytes) throw BackupError("its manifest is too large");
  std::string text(entry.size, '\0');
  for (size_t at = 0; at < text.size();) {
    const size_t got = reader.read({text.data() + at, text.size() - at});
    if (got == 0) throw ArchiveError("it ends too early");
    at += got;
  }
  return text;
}

/// The next entry, which must be called `name`, as text.
std::string expect_text(ArchiveReader& reader, const char* name) {
  const std::optional<ArchiveEntry> entry = reader.next();
  if (!entry || entry->name != name || !entry->regular)
    throw BackupError(std::string("it has no ") + name + " where one belongs");
  return read_text(reader, *entry);
}

BackupFile sum_of(ArchiveReader& reader, const ArchiveEntry& entry) {
  BackupFile file{.name = entry.name, .size = 0, .sha256 = {}};
  Sha256 sum;
  std::vector<char> block(std::min<uint64_t>(entry.size, kBlockBytes));
  while (const size_t got = reader.read(block)) {
    sum.add({block.data(), got});
    file.size += got;
  }
  file.sha256 = sum.hex();
  return file;
}

void compare(const BackupFile& is, const BackupFile& should) {
  if (is.size != should.size || is.sha256 != should.sha256)
    throw BackupError("the checksum of " + log::printable(is.name) + " is wrong (SHA-256 " +
                      is.sha256.substr(0, 16) + "…, should be " +
                      log::printable(should.sha256.substr(0, 16)) + "…): the file is damaged");
}

void compare(const BackupSegments& are, const BackupSegments& should) {
  if (are.files != should.files)
    throw BackupError("it has " + std::to_string(are.files) + " WAV segments, should have " +
                      std::to_string(should.files));
  if (are != should) throw BackupError("the checksum of its WAV segments is wrong");
}

void compare_all(const std::map<std::string, BackupFile>& found, const Manifest& manifest) {
  size_t matched = 0;
  for (const BackupFile& file : manifest.files) {
    const auto it = found.find(file.name);
    if (it == found.end()) throw BackupError(log::printable(file.name) + " is missing in it");
    compare(it->second, file);
    ++matched;
  }
  if (matched != found.size()) throw BackupError("it holds files that its manifest does not name");
}

Manifest verify(const std::string& path) {
  ArchiveReader reader(path);
  const std::string head = expect_text(reader, kHeaderEntry);
  read_header(head);
  std::map<std::string, BackupFile> found;
  SegmentSum segments;
  found[kHeaderEntry] = {.name = kHeaderEntry, .size = head.size(), .sha256 = sha256_of(head)};
  while (const std::optional<ArchiveEntry> entry = reader.next()) {
    if (entry->name == kManifestEntry) {
      const std::string text = read_text(reader, *entry);
      if (expect_text(reader, kManifestSumEntry) != sha256_of(text))
        throw BackupError("the checksum of its manifest is wrong: the file is damaged");
      if (reader.next()) throw BackupError("it goes on after its end");
      Manifest manifest = read_manifest(text);
      compare_all(found, manifest);
      compare(segments.result(), manifest.segments);
      return manifest;
    }
    const std::string shown = log::printable(entry->name);
    if (!entry->regular) throw BackupError(shown + " in it is no regular file");
    if (!is_safe_entry(entry->name))
      throw BackupError("'" + shown + "' in it is no name that a backup has; it leads elsewhere");
    if (is_segment(entry->name))
      segments.add(sum_of(reader, *entry));
    else if (!found.emplace(entry->name, sum_of(reader, *entry)).second)
      throw BackupError(shown + " is twice in it");
  }
  throw BackupError("it ends too early: the file is damaged");
}

class NewFile {
 public:
  NewFile(std::string path, uint32_t mode)
      : path_(std::move(path)),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (fd_ < 0) fail();
    if (::fchmod(fd_, mode) != 0) fail();
  }
  ~NewFile() { ::close(fd_); }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(const char* data, size_t size) {
    while (size > 0) {
      const ssize_t written = ::write(fd_, data, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      data += written;
      size -= static_cast<size_t>(written);
    }
  }
  void finish(int64_t mtime_s) {
    const timespec times[2] = {{mtime_s, 0}, {mtime_s, 0}};
    if (::futimens(fd_, times) != 0) fail();
  }

 private:
  [[noreturn]] void fail() { throw BackupError(path_ + ": " + g_strerror(errno)); }
  const std::string path_;
  const int fd_;
};

BackupFile unpack_entry(ArchiveReader& reader, const ArchiveEntry& entry,
                        const std::string& target) {
  g_autofree char* folder = g_path_get_dirname(target.c_str());
  if (g_mkdir_with_parents(folder, 0750) != 0)
    throw BackupError(std::string(folder) + ": " + g_strerror(errno));
  NewFile file(target, entry.mode);
  BackupFile is{.name = entry.name, .size = 0, .sha256 = {}};
  Sha256 sum;
  std::vector<char> block(std::min<uint64_t>(entry.size, kBlockBytes));
  while (const size_t got = reader.read(block)) {
    sum.add({block.data(), got});
    file.write(block.data(), got);
    is.size += got;
  }
  is.sha256 = sum.hex();
  file.finish(entry.mtime_s);
  return is;
}

}  // namespace

bool is_safe_entry(const std::string& name) {
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return false;
  const std::string top = name.substr(0, slash);
  const char* const tops[] = {"journal", "config", "pipelines", "stations",
                              "named",   "audio",  "postgresql"};
  if (std::find(std::begin(tops), std::end(tops), top) == std::end(tops)) return false;
  if (name.size() > 4096 || name.find('\0') != std::string::npos) return false;
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  if (top == "journal") return name == kJournalEntry;
  if (top == "config") return name == kConfigEntry;
  return top != "postgresql" || name == kPostgresEntry;
}

Manifest verify_backup(const std::string& path) {
  try {
    return verify(path);
  } catch (const ArchiveError& error) {
    damaged(path, std::string("it cannot be read: ") + error.what());
  } catch (const BackupError& error) {
    damaged(path, error.what());
  }
}

BackupHeader read_backup_header(const std::string& path) {
  try {
    ArchiveReader reader(path);
    return read_header(expect_text(reader, kHeaderEntry));
  } catch (const ArchiveError& error) {
    damaged(path, std::string("it cannot be read: ") + error.what());
  } catch (const BackupError& error) {
    damaged(path, error.what());
  }
}

void unpack_backup(const std::string& path, const Manifest& manifest,
                   const std::function<std::string(const std::string& name)>& target_of) {
  SegmentSum segments;
  bool has_segments = false;
  try {
    ArchiveReader reader(path);
    while (const std::optional<ArchiveEntry> entry = reader.next()) {
      const BackupFile* file = manifest.find(entry->name);
      const bool segment = is_segment(entry->name);
      const bool wanted = (file || segment) && is_safe_entry(entry->name) && entry->regular;
      const std::string target = wanted ? target_of(entry->name) : "";
      if (target.empty()) continue;
      const BackupFile is = unpack_entry(reader, *entry, target);
      if (!segment)
        compare(is, *file);
      else
        segments.add(is), has_segments = true;
    }
    if (has_segments) compare(segments.result(), manifest.segments);
  } catch (const ArchiveError& error) {
    damaged(path, std::string("it cannot be read: ") + error.what());
  } catch (const BackupError& error) {
    throw BackupError("backup " + path + ": " + error.what());
  }
}

}  // namespace dragoman
