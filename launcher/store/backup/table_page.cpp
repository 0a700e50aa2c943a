// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/table_page.h"

#include <algorithm>
#include <bit>

namespace dragoman {
namespace {

constexpr uint8_t kLeafByte = 0x0d, kInteriorByte = 0x05;
constexpr size_t kFileHeaderBytes = 100, kLeafHeaderBytes = 8, kInteriorHeaderBytes = 12;
constexpr uint64_t kMaxRowBytes = 16 << 20;
constexpr uint64_t kMaxColumns = 2000;

size_t header_at(uint32_t number) { return number == 1 ? kFileHeaderBytes : 0; }

/// Reads from a string, and knows when it has read past its end.
class Cursor {
 public:
  Cursor(std::string_view bytes, size_t at) : bytes_(bytes), at_(at) {}
  bool ok() const { return ok_; }
  size_t at() const { return at_; }

  uint8_t byte() {
    if (at_ >= bytes_.size()) ok_ = false;
    return ok_ ? static_cast<uint8_t>(bytes_[at_++]) : 0;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) {
      const uint8_t next = byte();
      value = value << 7 | (next & 0x7f);
      if (!(next & 0x80)) return value;
    }
    return value << 8 | byte();
  }
  std::string_view take(uint64_t size) {
    if (!ok_ || size > bytes_.size() - std::min(at_, bytes_.size())) ok_ = false;
    if (!ok_) return {};
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  /// A signed big-endian number.
  int64_t number(int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      const uint8_t next = byte();
      if (i == 0 && (next & 0x80)) value = ~uint64_t{0};
      value = value << 8 | next;
    }
    return static_cast<int64_t>(value);
  }

 private:
  std::string_view bytes_;
  size_t at_;
  bool ok_ = true;
};

/// One value of serial type `type`; nothing if there is no such type.
std::optional<SqlValue> read_value(Cursor& body, uint64_t type) {
  constexpr int kIntegerBytes[] = {0, 1, 2, 3, 4, 6, 8};
  if (type == 0) return SqlValue();
  if (type <= 6) return SqlValue(body.number(kIntegerBytes[type]));
  if (type == 7) return SqlValue(std::bit_cast<double>(body.number(8)));
  if (type == 8 || type == 9) return SqlValue(static_cast<int64_t>(type - 8));
  if (type < 12) return {};
  const std::string_view bytes = body.take((type - 12) / 2);
  if (type % 2) return SqlValue(std::string(bytes));
  return SqlValue(Blob{std::string(bytes)});
}

std::optional<std::vector<SqlValue>> read_record(std::string_view payload) {
  Cursor header(payload, 0);
  const uint64_t header_bytes = header.varint();
  if (!header.ok() || header_bytes > payload.size()) return {};
  Cursor body(payload, header_bytes);
  std::vector<SqlValue> values;
  while (header.at() < header_bytes) {
    const uint64_t type = header.varint();
    if (!header.ok() || header.at() > header_bytes || values.size() >= kMaxColumns) return {};
    std::optional<SqlValue> value = read_value(body, type);
    if (!value || !body.ok()) return {};
    values.push_back(std::move(*value));
  }
  if (values.empty() || body.at() != payload.size()) return {};
  return values;
}

/// The bytes of a row of `size` bytes that are on the leaf page itself (section 1.6).
uint64_t local_bytes(uint64_t size, uint64_t usable) {
  const uint64_t most = usable - 35;
  if (size <= most) return size;
  const uint64_t least = (usable - 12) * 32 / 255 - 23;
  const uint64_t fits = least + (size - least) % (usable - 4);
  return fits <= most ? fits : least;
}

/// The rest of a row, from its chain of overflow pages; shorter if that is broken.
void append_overflow(PageFile& file, uint32_t next, uint64_t size, std::string& payload) {
  for (uint32_t hops = 0; next != 0 && payload.size() < size && hops <= file.pages(); ++hops) {
    const std::string_view page = file.page(next);
    if (page.empty()) return;
    const uint64_t take = std::min<uint64_t>(size - payload.size(), file.usable() - 4);
    payload.append(page.substr(4, take));
    next = read_u32(page, 0);
  }
}

std::optional<TableRow> read_cell(PageFile& file, std::string_view page, size_t at) {
  Cursor cell(page, at);
  const uint64_t size = cell.varint();
  TableRow row{.rowid = static_cast<int64_t>(cell.varint()), .values = {}};
  if (!cell.ok() || size == 0 || size > kMaxRowBytes) return {};
  const uint64_t local = local_bytes(size, file.usable());
  std::string payload(cell.take(local));
  if (!cell.ok()) return {};
  if (local < size) append_overflow(file, static_cast<uint32_t>(cell.number(4)), size, payload);
  if (!cell.ok() || payload.size() != size) return {};
  std::optional<std::vector<SqlValue>> values = read_record(payload);
  if (!values) return {};
  row.values = std::move(*values);
  return row;
}

}  // namespace

PageKind page_kind(std::string_view page, uint32_t number) {
  if (page.size() <= header_at(number)) return PageKind::kOther;
  const auto first = static_cast<uint8_t>(page[header_at(number)]);
  if (first == kLeafByte) return PageKind::kLeaf;
  return first == kInteriorByte ? PageKind::kInterior : PageKind::kOther;
}

std::vector<uint32_t> child_pages(std::string_view page, uint32_t number) {
  const size_t header = header_at(number);
  const uint32_t cells = read_u16(page, header + 3);
  std::vector<uint32_t> children;
  for (uint32_t i = 0; i < cells; ++i) {
    const size_t pointer = header + kInteriorHeaderBytes + 2 * size_t{i};
    if (pointer + 2 > page.size()) break;
    children.push_back(read_u32(page, read_u16(page, pointer)));
  }
  children.push_back(read_u32(page, header + 8));
  return children;
}

LeafRows read_leaf(PageFile& file, uint32_t number) {
  LeafRows found;
  const std::string page(file.page(number));  // following an overflow chain reads other pages
  const size_t header = header_at(number);
  const uint32_t cells = read_u16(page, header + 3);
  for (uint32_t i = 0; i < cells; ++i) {
    const size_t pointer = header + kLeafHeaderBytes + 2 * size_t{i};
    if (pointer + 2 > page.size()) break;
    std::optional<TableRow> row = read_cell(file, page, read_u16(page, pointer));
    if (row)
      found.rows.push_back(std::move(*row));
    else
      ++found.unreadable;
  }
  return found;
}

}  // namespace dragoman
