// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/page_file.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace dragoman {
namespace {

constexpr char kMagic[] = "SQLite format 3";
constexpr size_t kHeaderBytes = 100;
constexpr size_t kLogHeaderBytes = 32, kFrameHeaderBytes = 24;
constexpr uint32_t kLogMagic = 0x377f0682;  // its lowest bit: the checksums are big-endian
constexpr uint32_t kSmallestPage = 512, kLargestPage = 65536;

bool is_page_size(uint32_t size) {
  return size >= kSmallestPage && size <= kLargestPage && (size & (size - 1)) == 0;
}

uint32_t read_word(std::string_view bytes, size_t at, bool big_endian) {
  const uint32_t big = read_u32(bytes, at);
  return big_endian ? big : GUINT32_SWAP_LE_BE(big);
}

/// The log's running checksum (section 4.2).
struct LogSum {
  bool big_endian = false;
  uint32_t first = 0, second = 0;
  void add(std::string_view bytes) {
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first += read_word(bytes, at, big_endian) + second;
      second += read_word(bytes, at + 4, big_endian) + first;
    }
  }
  bool is(std::string_view bytes, size_t at) const {
    return read_u32(bytes, at) == first && read_u32(bytes, at + 4) == second;
  }
};

uint64_t size_of(int file) {
  struct stat info {};
  return file >= 0 && ::fstat(file, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

}  // namespace

uint32_t read_u16(std::string_view bytes, size_t at) {
  if (at + 2 > bytes.size()) return 0;
  return static_cast<uint32_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                               static_cast<uint8_t>(bytes[at + 1]));
}

uint32_t read_u32(std::string_view bytes, size_t at) {
  return read_u16(bytes, at) << 16 | read_u16(bytes, at + 2);
}

PageFile::PageFile(const std::string& database)
    : file_(::open(database.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) throw std::runtime_error(database + ": " + g_strerror(errno));
  file_bytes_ = size_of(file_);
  read_header();
  read_log(database + "-wal");
  pages_ = std::max(
      pages_, static_cast<uint32_t>(std::min<uint64_t>(file_bytes_ / page_size_, UINT32_MAX - 1)));
}

PageFile::~PageFile() {
  ::close(file_);
  if (log_ >= 0) ::close(log_);
}

std::string PageFile::read_at(int file, uint64_t offset, size_t size) const {
  std::string bytes(size, '\0');
  size_t have = 0;
  while (have < size) {
    const ssize_t got =
        ::pread(file, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

/// What the header says, if it is one; else what this program always writes.
void PageFile::read_header() {
  const std::string header = read_at(file_, 0, kHeaderBytes);
  if (header.size() < kHeaderBytes || !header.starts_with(kMagic)) return;
  const uint32_t size = read_u16(header, 16) == 1 ? kLargestPage : read_u16(header, 16);
  if (!is_page_size(size)) return;
  page_size_ = size;
  reserved_ = static_cast<uint8_t>(header[20]);
  if (page_size_ - reserved_ < 480) reserved_ = 0;
  // A header that is garbage in part must not make us look for 4 billion pages.
  const uint32_t said = read_u32(header, 28);
  if (said / 16 <= file_bytes_ / page_size_ + 1024) pages_ = said;
}

/// Takes the frames up to the last commit whose salts and checksums are right.
void PageFile::read_log(const std::string& path) {
  log_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (log_ < 0) return;
  const std::string header = read_at(log_, 0, kLogHeaderBytes);
  if (header.size() < kLogHeaderBytes || (read_u32(header, 0) & ~1u) != kLogMagic) return;
  LogSum sum{.big_endian = (read_u32(header, 0) & 1) != 0};
  sum.add(std::string_view(header).substr(0, 24));
  const uint32_t size = read_u32(header, 8);
  if (!sum.is(header, 24) || !is_page_size(size)) return;
  page_size_ = size;
  std::map<uint32_t, uint64_t> uncommitted;
  for (uint64_t at = kLogHeaderBytes;; at += kFrameHeaderBytes + page_size_) {
    const std::string frame = read_at(log_, at, kFrameHeaderBytes + page_size_);
    if (frame.size() < kFrameHeaderBytes + page_size_) return;
    sum.add(std::string_view(frame).substr(0, 8));
    sum.add(std::string_view(frame).substr(kFrameHeaderBytes));
    if (frame.compare(8, 8, header, 16, 8) != 0 || !sum.is(frame, 16)) return;
    uncommitted[read_u32(frame, 0)] = at + kFrameHeaderBytes;
    if (const uint32_t pages = read_u32(frame, 4)) {
      for (const auto& [number, offset] : uncommitted) logged_[number] = offset;
      uncommitted.clear();
      pages_ = pages;
    }
  }
}

uint32_t PageFile::missing() const {
  uint32_t missing = 0;
  const uint32_t there = static_cast<uint32_t>(file_bytes_ / page_size_);
  for (uint32_t number = there + 1; number <= pages_; ++number)
    if (!logged_.contains(number)) ++missing;
  return missing;
}

std::string_view PageFile::page(uint32_t number) {
  if (number == 0 || number > pages_) return {};
  const auto logged = logged_.find(number);
  page_ = logged != logged_.end() ? read_at(log_, logged->second, page_size_)
                                  : read_at(file_, (uint64_t{number} - 1) * page_size_, page_size_);
  return page_.size() == page_size_ ? std::string_view(page_) : std::string_view();
}

std::set<uint32_t> PageFile::free_pages() {
  std::set<uint32_t> found;
  const std::string_view first = page(1);
  if (!first.starts_with(kMagic)) return found;
  uint32_t trunk = read_u32(first, 32);
  while (trunk != 0 && trunk <= pages_ && found.insert(trunk).second) {
    const std::string_view bytes = page(trunk);
    const uint32_t count = std::min(read_u32(bytes, 4), page_size_ / 4 - 2);
    for (uint32_t i = 0; i < count; ++i) found.insert(read_u32(bytes, 8 + 4 * i));
    trunk = read_u32(bytes, 0);
  }
  return found;
}

}  // namespace dragoman
