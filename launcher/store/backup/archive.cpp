// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include "launcher/store/backup/sha256.h"

namespace dragoman {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;
// Names are bytes: the program's locale must not change them.
constexpr char kNamesAreBytes[] = "hdrcharset=BINARY";

[[noreturn]] void fail(::archive* archive) {
  const char* why = archive_error_string(archive);
  throw ArchiveError(why ? why : "it ends too early");
}

void check(::archive* archive, int code) {
  if (code < ARCHIVE_WARN) fail(archive);
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

void ArchiveWriter::Free::operator()(::archive* archive) const { archive_write_free(archive); }
void ArchiveReader::Free::operator()(::archive* archive) const { archive_read_free(archive); }

ArchiveWriter::ArchiveWriter(int file) : archive_(archive_write_new()) {
  ::archive* const archive = archive_.get();
  check(archive, archive_write_add_filter_zstd(archive));
  check(archive, archive_write_set_format_pax_restricted(archive));
  check(archive, archive_write_set_options(archive, kNamesAreBytes));
  check(archive, archive_write_open_fd(archive, file));
}

ArchiveWriter::~ArchiveWriter() {
  // Freeing would write the end; one that was not closed is not wanted.
  if (archive_) archive_write_fail(archive_.get());
}

void ArchiveWriter::begin(const std::string& name, uint64_t size, uint32_t mode, int64_t mtime_s) {
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                       archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<int64_t>(size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), mode & 0777);
  archive_entry_set_mtime(entry.get(), mtime_s, 0);
  check(archive_.get(), archive_write_header(archive_.get(), entry.get()));
}

void ArchiveWriter::write(const char* data, size_t size) {
  while (size > 0) {
    const la_ssize_t written = archive_write_data(archive_.get(), data, size);
    if (written <= 0) fail(archive_.get());
    data += written;
    size -= static_cast<size_t>(written);
  }
}

std::optional<BackupFile> ArchiveWriter::add_file(const std::string& name,
                                                  const std::string& source) {
  const OpenFile file(source);
  if (file.fd() < 0 && errno == ENOENT) return {};
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0)
    throw ArchiveError(source + ": " + g_strerror(errno));
  if (!S_ISREG(info.st_mode)) throw ArchiveError(source + ": not a regular file");
  BackupFile added{.name = name, .size = static_cast<uint64_t>(info.st_size), .sha256 = {}};
  begin(name, added.size, info.st_mode, info.st_mtime);
  Sha256 sum;
  std::vector<char> block(std::min<uint64_t>(added.size, kBlockBytes));
  for (uint64_t left = added.size; left > 0;) {
    const ssize_t got = ::read(file.fd(), block.data(), std::min<uint64_t>(left, block.size()));
    if (got <= 0)
      throw ArchiveError(source + ": " + (got < 0 ? g_strerror(errno) : "became shorter"));
    sum.add({block.data(), static_cast<size_t>(got)});
    write(block.data(), static_cast<size_t>(got));
    left -= static_cast<uint64_t>(got);
  }
  added.sha256 = sum.hex();
  return added;
}

BackupFile ArchiveWriter::add_text(const std::string& name, const std::string& text) {
  begin(name, text.size(), 0600, ::time(nullptr));
  write(text.data(), text.size());
  return {.name = name, .size = text.size(), .sha256 = sha256_of(text)};
}

void ArchiveWriter::close() {
  check(archive_.get(), archive_write_close(archive_.get()));
  archive_.reset();
}

ArchiveReader::ArchiveReader(const std::string& path) : archive_(archive_read_new()) {
  ::archive* const archive = archive_.get();
  check(archive, archive_read_support_filter_zstd(archive));
  check(archive, archive_read_support_format_tar(archive));
  check(archive, archive_read_open_filename(archive, path.c_str(), kBlockBytes));
}

std::optional<ArchiveEntry> ArchiveReader::next() {
  archive_entry* found = nullptr;
  const int code = archive_read_next_header(archive_.get(), &found);
  if (code == ARCHIVE_EOF) return {};
  check(archive_.get(), code);
  ArchiveEntry entry;
  const char* name = archive_entry_pathname(found);
  entry.name = name ? name : "";
  const int64_t size = archive_entry_size(found);
  entry.size = size > 0 ? static_cast<uint64_t>(size) : 0;
  entry.mode = archive_entry_perm(found) & 0777;
  entry.mtime_s = archive_entry_mtime(found);
  entry.regular = archive_entry_filetype(found) == AE_IFREG && !archive_entry_hardlink(found) &&
                  !archive_entry_symlink(found);
  return entry;
}

size_t ArchiveReader::read(std::span<char> into) {
  const la_ssize_t got = archive_read_data(archive_.get(), into.data(), into.size());
  if (got < 0) fail(archive_.get());
  return static_cast<size_t>(got);
}

}  // namespace dragoman
