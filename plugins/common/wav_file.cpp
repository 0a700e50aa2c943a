// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/wav_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

namespace dragoman {
namespace {

static_assert(std::endian::native == std::endian::little, "WAV is written as it lies in memory");

constexpr size_t kHeaderBytes = 44;
constexpr mode_t kFolderMode = 0750, kFileMode = 0640;  // what callers said concerns few
constexpr int kMaxNames = 1000;                         // files of one name in a folder
constexpr uint64_t kMaxDataBytes = UINT32_MAX - kHeaderBytes;

using Header = std::array<char, kHeaderBytes>;

template <typename Integer>
void put(Header& header, size_t at, Integer value) {
  std::memcpy(header.data() + at, &value, sizeof value);
}

template <typename Integer>
Integer get(const Header& header, size_t at) {
  Integer value;
  std::memcpy(&value, header.data() + at, sizeof value);
  return value;
}

// The canonical RIFF header: one fmt chunk of 16 bytes, then the data chunk.
Header make_header(WavFormat format, uint64_t frames) {
  const auto frame_bytes = static_cast<uint16_t>(format.frame_bytes());
  const auto bytes = static_cast<uint32_t>(std::min(frames * frame_bytes, kMaxDataBytes));
  Header header{};
  std::memcpy(header.data(), "RIFF", 4);
  put<uint32_t>(header, 4, bytes + kHeaderBytes - 8);
  std::memcpy(header.data() + 8, "WAVEfmt ", 8);
  put<uint32_t>(header, 16, 16);
  put<uint16_t>(header, 20, 1);  // PCM
  put<uint16_t>(header, 22, format.channels);
  put<uint32_t>(header, 24, format.sample_rate);
  put<uint32_t>(header, 28, format.sample_rate * frame_bytes);
  put<uint16_t>(header, 32, frame_bytes);
  put<uint16_t>(header, 34, 16);  // bits
  std::memcpy(header.data() + 36, "data", 4);
  put<uint32_t>(header, 40, bytes);
  return header;
}

std::optional<WavFormat> parse_header(const Header& header) {
  if (std::memcmp(header.data(), "RIFF", 4) || std::memcmp(header.data() + 8, "WAVEfmt ", 8) ||
      get<uint16_t>(header, 20) != 1 || get<uint16_t>(header, 34) != 16) {
    return std::nullopt;
  }
  const WavFormat format{get<uint32_t>(header, 24), get<uint16_t>(header, 22)};
  if (!format.sample_rate || !format.channels) return std::nullopt;
  return format;
}

int write_all(int fd, const char* data, size_t size) {
  while (size) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

// In place over bytes that exist: needs no room on the disk.
int overwrite_header(int fd, const Header& header) {
  const ssize_t written = ::pwrite(fd, header.data(), header.size(), 0);
  if (written < 0) return errno;
  return static_cast<size_t>(written) == header.size() ? 0 : EIO;
}

// NAME.wav, NAME-2.wav, NAME-3.wav …
std::string numbered(const std::string& path, int number) {
  if (number == 1) return path;
  constexpr std::string_view kSuffix = ".wav";
  const bool wav = path.ends_with(kSuffix);
  const std::string stem = wav ? path.substr(0, path.size() - kSuffix.size()) : path;
  return stem + "-" + std::to_string(number) + (wav ? std::string(kSuffix) : std::string());
}

int rename_unless_exists(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without RENAME_NOREPLACE: link() does not replace either.
  if (::link(from.c_str(), to.c_str()) != 0) return errno;
  return ::unlink(from.c_str()) == 0 ? 0 : errno;
}

// Renames to the first free name from `path` on, which is left in `path`.
int rename_to_free(const std::string& from, std::string& path) {
  for (int number = 1; number <= kMaxNames; ++number) {
    const std::string candidate = numbered(path, number);
    const int error = rename_unless_exists(from, candidate);
    if (error == 0) path = candidate;
    if (error != EEXIST) return error;
  }
  return EEXIST;
}

int make_folders(const std::filesystem::path& folder) {
  if (folder.empty() || ::mkdir(folder.c_str(), kFolderMode) == 0) return 0;
  if (errno == ENOENT) {
    const auto parent = folder.parent_path();
    if (parent == folder) return ENOENT;
    if (const int error = make_folders(parent)) return error;
    if (::mkdir(folder.c_str(), kFolderMode) == 0) return 0;
  }
  if (errno != EEXIST) return errno;
  struct stat info;
  if (::stat(folder.c_str(), &info) != 0) return errno;
  return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

// Creates a file and locks it; -1 and errno if that fails. A salvager that comes between the two
// finds nothing in the file and removes it: then once more.
int create_locked(const std::string& path) {
  while (true) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
    if (fd < 0) return fd;
    ::flock(fd, LOCK_EX);  // a file system without locks: written all the same
    struct stat info;
    if (::fstat(fd, &info) == 0 && info.st_nlink > 0) return fd;
    ::close(fd);
  }
}

SalvageResult failed(const std::string& path, const std::string& reason) {
  SalvageResult result;
  result.path = path;
  result.error = "Cannot salvage " + path + ": " + reason;
  return result;
}

// With the locked file open: mends and renames it.
SalvageResult salvage_open_file(int fd, const std::string& part, WavFormat fallback) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return failed(part, std::strerror(errno));
  Header header{};
  const ssize_t read = ::pread(fd, header.data(), header.size(), 0);
  if (read < 0) return failed(part, std::strerror(errno));

  SalvageResult result;
  result.format = parse_header(header).value_or(fallback);
  result.path = part.substr(0, part.size() - std::strlen(kPartSuffix));
  const auto size = static_cast<uint64_t>(info.st_size);
  result.frames = size > kHeaderBytes ? (size - kHeaderBytes) / result.format.frame_bytes() : 0;
  if (!result.frames) {
    if (::unlink(part.c_str()) != 0) return failed(part, std::strerror(errno));
    result.outcome = SalvageOutcome::kEmpty;
    return result;
  }
  int error = overwrite_header(fd, make_header(result.format, result.frames));
  const auto whole = kHeaderBytes + result.frames * result.format.frame_bytes();
  if (!error && ::ftruncate(fd, static_cast<off_t>(whole)) != 0) error = errno;
  if (!error && ::fdatasync(fd) != 0) error = errno;
  if (!error) error = rename_to_free(part, result.path);
  if (error) return failed(part, std::strerror(error));
  result.outcome = SalvageOutcome::kSalvaged;
  return result;
}

}  // namespace

WavWriter::~WavWriter() { discard(); }

int WavWriter::open(const std::string& path, WavFormat format) {
  discard();
  if (const int error = make_folders(std::filesystem::path(path).parent_path())) return error;
  for (int number = 1; number <= kMaxNames; ++number) {
    path_ = numbered(path, number);
    part_ = path_ + kPartSuffix;
    if (::access(path_.c_str(), F_OK) == 0) continue;
    fd_ = create_locked(part_);
    if (fd_ >= 0) break;
    if (errno != EEXIST) return errno;
  }
  if (fd_ < 0) return EEXIST;
  format_ = format;
  frames_ = 0;
  const Header header = make_header(format, 0);
  const int error = write_all(fd_, header.data(), header.size());
  if (error) discard();
  return error;
}

int WavWriter::append(std::span<const int16_t> samples) {
  const auto bytes = std::as_bytes(samples);
  const int error = write_all(fd_, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!error) {
    frames_ += bytes.size() / format_.frame_bytes();
    return 0;
  }
  // Cut what had room to whole frames, so that the file stays valid.
  struct stat info;
  if (::fstat(fd_, &info) == 0 && static_cast<uint64_t>(info.st_size) > kHeaderBytes) {
    frames_ = (static_cast<uint64_t>(info.st_size) - kHeaderBytes) / format_.frame_bytes();
    const off_t whole = static_cast<off_t>(kHeaderBytes + frames_ * format_.frame_bytes());
    if (::ftruncate(fd_, whole) == 0) ::lseek(fd_, whole, SEEK_SET);
  }
  return error;
}

int WavWriter::finish() {
  int error = overwrite_header(fd_, make_header(format_, frames_));
  if (!error) {
    // Starts writing out without waiting for it; a file system that cannot is none the worse.
    ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
    error = rename_to_free(part_, path_);
  }
  close_file();
  return error;
}

void WavWriter::discard() {
  if (!is_open()) return;
  ::unlink(part_.c_str());
  close_file();
}

void WavWriter::close_file() {
  ::close(fd_);
  fd_ = -1;
}

SalvageResult salvage_part_file(const std::string& part_path, WavFormat fallback) {
  if (!part_path.ends_with(kPartSuffix)) return failed(part_path, "its name does not end in .part");
  const int fd = ::open(part_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return failed(part_path, std::strerror(errno));
  SalvageResult result;
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    result.outcome = SalvageOutcome::kBusy;
    result.path = part_path;
  } else {
    result = salvage_open_file(fd, part_path, fallback);
  }
  ::close(fd);
  return result;
}

}  // namespace dragoman
