// SPDX-License-Identifier: LGPL-2.1-or-later
// The bounded queue between a streaming thread and the thread that writes segments.
#pragma once

#include <gst/audio/audio.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include "plugins/station/bucket_board.h"

namespace dragoman {

/// Where a stretch of audio belongs. Times are ns, UTC.
struct SegmentPlace {
  uint64_t bucket_utc = 0;    ///< start of its bucket
  uint64_t position_utc = 0;  ///< of its first sample
  uint64_t hole = 0;          ///< frames missing between what was queued before and this
  StreamStretch at;           ///< position in the stream, for messages
};

/// What the writer takes out at once.
struct SegmentItem {
  enum class Kind {
    kAudio,   ///< `place`, `audio`
    kFormat,  ///< audio from here on is of `format`, as every item says
    kTime,    ///< there is no audio up to `place.position_utc`
    kEnd      ///< the stream ends, or begins anew
  };
  Kind kind = Kind::kAudio;
  SegmentPlace place;
  GstAudioInfo format{};
  std::span<const std::byte> audio;  ///< valid until the next pop()
};

/// One producer, one consumer. Audio is copied into a ring that is allocated with the format; the
/// producer never waits unless it asks to, and never takes more than a copy's time.
class SegmentQueue {
 public:
  explicit SegmentQueue(std::chrono::milliseconds capacity) : capacity_(capacity) {}

  // The producer.

  void set_format(const GstAudioInfo& format);
  /// Queues as much of `audio` (whole frames, of one bucket) as there is room for; the frames
  /// taken.
  size_t push(const SegmentPlace& place, std::span<const std::byte> audio);
  void push_time(uint64_t position_utc);
  void push_end();
  /// Audio that waits to be taken, ms.
  double depth_ms();
  /// Waits until half of it is free; false after `timeout` or while interrupted.
  bool wait_for_room(std::chrono::milliseconds timeout);
  /// Waits until everything queued was taken and worked on; false as above.
  bool wait_until_done(std::chrono::milliseconds timeout);
  /// Ends waits and forbids further ones, or allows them again. Any thread.
  void interrupt(bool interrupted);
  /// Nothing more will come.
  void close();

  // The consumer.

  /// Takes what comes next, audio in pieces of at most kMaxPieceBytes. Waits until it is worth
  /// while: for a good part of a second of audio, or something other than audio. False: closed and
  /// empty.
  bool pop(SegmentItem& item);

 private:
  static constexpr size_t kMaxPieceBytes = 16384;
  static constexpr size_t kMaxRecords = 256;  ///< then audio finds no room
  static constexpr std::chrono::milliseconds kBatch{500};

  struct Record {
    SegmentItem::Kind kind = SegmentItem::Kind::kAudio;
    SegmentPlace place;
    GstAudioInfo format{};
    size_t bytes = 0;  ///< of audio, still in the ring
  };

  void push_control(Record record);
  void take_audio(SegmentItem& item);
  size_t room() const;
  void wake_if_worth();
  template <typename Condition>
  bool wait(std::chrono::milliseconds timeout, Condition condition);

  const std::chrono::milliseconds capacity_;
  std::mutex lock_;  ///< guards all below but piece_
  std::condition_variable changed_;
  std::condition_variable taken_;
  std::deque<Record> records_;
  std::vector<std::byte> ring_;
  size_t head_ = 0, queued_ = 0;  ///< oldest byte; bytes queued
  size_t batch_ = 0;              ///< bytes that wake the consumer
  GstAudioInfo format_{};         ///< of what is pushed
  GstAudioInfo popped_format_{};  ///< of what is popped
  uint64_t last_bucket_ = 0;      ///< of the audio pushed last
  bool urgent_ = false;           ///< wake the consumer whatever is queued
  bool working_ = false;          ///< the consumer has taken an item and not come back
  bool interrupted_ = false;
  bool closed_ = false;

  std::vector<std::byte> piece_ = std::vector<std::byte>(kMaxPieceBytes);  ///< the consumer's
};

}  // namespace dragoman
