// SPDX-License-Identifier: LGPL-2.1-or-later
// The pages of a SQLite file that SQLite itself refuses to read
// (sqlite.org/fileformat2.html: sections 1.2 to 1.6 and 4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace dragoman {

/// Reads a database file and its write-ahead log page by page, believing nothing. What the log
/// committed comes before what the file holds. One thread; blocks on the disk.
class PageFile {
 public:
  /// Throws std::runtime_error if the file cannot be opened. The log is DATABASE-wal.
  explicit PageFile(const std::string& database);
  ~PageFile();
  PageFile(const PageFile&) = delete;
  PageFile& operator=(const PageFile&) = delete;

  /// Pages there ought to be (by the header or the log) or are (by the size), whichever is more.
  uint32_t pages() const { return pages_; }
  /// Pages that there ought to be and that are not.
  uint32_t missing() const;
  /// Bytes of a page that hold content.
  uint32_t usable() const { return page_size_ - reserved_; }
  /// Page `number`, from 1; empty if it is not there. Valid until the next call.
  std::string_view page(uint32_t number);
  /// Pages that are free: what they hold was deleted. Empty if the list cannot be read.
  std::set<uint32_t> free_pages();

 private:
  void read_header();
  void read_log(const std::string& path);
  std::string read_at(int file, uint64_t offset, size_t size) const;

  int file_ = -1, log_ = -1;
  uint64_t file_bytes_ = 0;
  uint32_t page_size_ = 4096, reserved_ = 0, pages_ = 0;
  std::map<uint32_t, uint64_t> logged_;  ///< page → where the log has it
  std::string page_;
};

/// Big-endian numbers as they stand in the file.
uint32_t read_u32(std::string_view bytes, size_t at);
uint32_t read_u16(std::string_view bytes, size_t at);

}  // namespace dragoman
