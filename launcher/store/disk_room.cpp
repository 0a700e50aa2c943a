// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/disk_room.h"

#include <glib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>

namespace dragoman {
namespace {

constexpr uint64_t kEnoughUnused = 32 << 20;  // bytes; some hours of rows

struct Space {
  uint64_t free = 0, floor = 0;
  dev_t disk = 0;
};

/// Of the file system that `path` is on, or will be.
Space space_at(std::filesystem::path path, uint64_t least_free) {
  struct statvfs space {};
  struct stat info {};
  while (::statvfs(path.c_str(), &space) != 0 || ::stat(path.c_str(), &info) != 0) {
    if (!path.has_relative_path()) return {.free = least_free, .floor = least_free};
    path = path.parent_path();
  }
  const uint64_t block = space.f_frsize;
  return {.free = space.f_bavail * block,
          .floor = std::min(least_free, space.f_blocks * block / 10),
          .disk = info.st_dev};
}

std::string megabytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

bool DiskRoom::is_short() const {
  return over_bound() || journal_free < journal_floor || audio_free < audio_floor;
}

uint64_t DiskRoom::missing() const {
  const auto lack = [](uint64_t has, uint64_t needs) { return needs > has ? needs - has : 0; };
  return std::max({over_bound() ? in_use() - most_bytes : 0, lack(journal_free, journal_floor),
                   lack(audio_free, audio_floor)});
}

bool DiskRoom::is_helped_by(RowKind kind) const {
  const bool journal_short = journal_free < journal_floor;
  if (kind == RowKind::kSegment) {
    return over_bound() || audio_free < audio_floor || (same_disk && journal_short);
  }
  const bool disk_short = journal_short || (same_disk && audio_free < audio_floor);
  return over_bound() || (disk_short && (can_shrink || unused_in_journal < kEnoughUnused));
}

std::string DiskRoom::text() const {
  std::string text = "journal " + megabytes(journal_bytes) + ", audio " + megabytes(audio_bytes);
  if (most_bytes) text += " (bound " + megabytes(most_bytes) + ")";
  text += ", free " + megabytes(journal_free) + " (floor " + megabytes(journal_floor) + ")";
  if (!same_disk) {
    text += ", free for audio " + megabytes(audio_free) + " (floor " + megabytes(audio_floor) + ")";
  }
  return text;
}

DiskRoom DiskWatch::look(Database& database) {
  count_audio(database);
  DiskRoom room = look_at_disks();
  const auto page = static_cast<uint64_t>(database.number("PRAGMA page_size", 4096));
  const auto unused = static_cast<uint64_t>(database.number("PRAGMA freelist_count"));
  room.unused_in_journal = unused * page;
  room.journal_bytes =
      static_cast<uint64_t>(database.number("PRAGMA page_count")) * page - room.unused_in_journal;
  room.can_shrink = database.number("PRAGMA auto_vacuum") == 2;  // incremental
  room.audio_bytes = audio_bytes_;
  return room;
}

DiskRoom DiskWatch::look_at_disks() const {
  DiskRoom room;
  room.most_bytes = limits_.most_bytes;
  const Space journal = space_at(path_, limits_.least_free_bytes);
  const Space audio = space_at(audio_folder_, limits_.least_free_bytes);
  room.journal_free = journal.free;
  room.journal_floor = journal.floor;
  room.audio_free = audio.free;
  room.audio_floor = audio.floor;
  room.same_disk = journal.disk == audio.disk;
  return room;
}

void DiskWatch::removed(uint64_t bytes) { audio_bytes_ -= std::min(audio_bytes_, bytes); }

void DiskWatch::count_audio(Database& database) {
  const int64_t newest = database.number("SELECT max(rowid) FROM audio_segments_5s");
  if (newest < newest_row_) recount();  // the newest were removed, their numbers may come again
  if (newest_row_ == 0) audio_bytes_ = 0;
  // Files take whole blocks of 4096 bytes.
  Statement sum = database.prepare(
      "SELECT sum((bucket_ms * sample_rate_hz / 1000 * channels * 2 + 44 + 4095) / 4096 * 4096)"
      " FROM audio_segments_5s WHERE rowid > ?1 AND rowid <= ?2");
  sum.bind(1, newest_row_);
  sum.bind(2, newest);
  if (sum.step()) audio_bytes_ += static_cast<uint64_t>(std::max<int64_t>(0, sum.number(0)));
  newest_row_ = newest;
}

}  // namespace dragoman
