// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/segment_writer.h"

#include <pthread.h>

#include <deque>
#include <exception>
#include <optional>

#include "plugins/common/buckets.h"
#include "plugins/station/sample_clock.h"
#include "plugins/station/segment_converter.h"

namespace dragoman {
namespace {

StreamStretch earlier(StreamStretch at, uint64_t ns) {
  for (uint64_t* time : {&at.running_time, &at.timestamp, &at.stream_time}) {
    if (*time != UINT64_MAX && *time >= ns) *time -= ns;
  }
  return at;
}

/// What the thread does with what it takes from the queue.
class Segmenter {
 public:
  explicit Segmenter(SegmentFiles& files) : files_(files) {}

  void take(const SegmentItem& item) {
    switch (item.kind) {
      case SegmentItem::Kind::kAudio:
        return on_audio(item);
      case SegmentItem::Kind::kFormat:
        return on_format(item.format);
      case SegmentItem::Kind::kTime:
        if (bucket_ && item.place.position_utc >= *bucket_ + kBucketNs) complete_bucket();
        return;
      case SegmentItem::Kind::kEnd:
        end_file();
        began_ = false;
        return;
    }
  }

 private:
  /// From output sample `at` on, samples belong to the file of `bucket_utc`.
  struct Cut {
    uint64_t at = 0;
    uint64_t bucket_utc = 0;
    StreamStretch place;
  };

  void on_format(const GstAudioInfo& format) {
    drain();
    rate_ = format.rate;
    converter_.emplace(format, [this](std::span<const int16_t> samples) { write(samples); });
  }

  void on_audio(const SegmentItem& item) {
    if (!converter_) return;
    const SegmentPlace& place = item.place;
    if (bucket_ != place.bucket_utc) {
      begin_bucket(place);
    } else if (place.hole) {
      converter_->convert_silence(place.hole);
    }
    converter_->convert(item.audio);
    const uint64_t frames = item.audio.size() / static_cast<size_t>(item.format.bpf);
    expected_utc_ = place.position_utc + frames_to_ns(frames, rate_);
  }

  /// The bucket of `place` begins: where audio was missing, with the silence since its edge.
  void begin_bucket(const SegmentPlace& place) {
    if (bucket_ && place.hole) complete_bucket();
    const bool seamless = bucket_.has_value();
    bucket_ = place.bucket_utc;
    const uint64_t lead_ns = began_ && !seamless && place.position_utc > place.bucket_utc
                                 ? place.position_utc - place.bucket_utc
                                 : 0;
    began_ = true;
    cuts_.push_back({converter_->next_output(), place.bucket_utc, earlier(place.at, lead_ns)});
    converter_->convert_silence(ns_to_frames(lead_ns, rate_));
  }

  /// Fills the file up to the end of its bucket, and ends it.
  void complete_bucket() {
    const uint64_t edge = *bucket_ + kBucketNs;
    if (edge > expected_utc_)
      converter_->convert_silence(ns_to_frames(edge - expected_utc_, rate_));
    end_file();
  }

  void end_file() {
    drain();
    files_.end();
    bucket_.reset();
  }

  void drain() {
    if (converter_) converter_->drain();
    written_ = 0;
    if (!cuts_.empty()) files_.begin(cuts_.back().bucket_utc, cuts_.back().place);
    cuts_.clear();
  }

  /// Hands converted samples to the files they belong to.
  void write(std::span<const int16_t> samples) {
    while (!cuts_.empty() && cuts_.front().at < written_ + samples.size()) {
      const auto before = static_cast<size_t>(cuts_.front().at - written_);
      pass(samples.first(before));
      samples = samples.subspan(before);
      files_.begin(cuts_.front().bucket_utc, cuts_.front().place);
      cuts_.pop_front();
    }
    pass(samples);
  }

  void pass(std::span<const int16_t> samples) {
    if (samples.empty()) return;
    files_.write(samples);
    written_ += samples.size();
  }

  SegmentFiles& files_;
  std::optional<SegmentConverter> converter_;
  int rate_ = 0;
  std::optional<uint64_t> bucket_;  ///< that the input is in
  uint64_t expected_utc_ = 0;       ///< of the next input sample, if nothing is missing
  bool began_ = false;              ///< there was audio since the stream began
  uint64_t written_ = 0;            ///< samples out of this conversion
  std::deque<Cut> cuts_;            ///< that the output has not reached
};

}  // namespace

struct SegmentWriter::Core : SegmentListener {
  Core(Options options, std::shared_ptr<SegmentListener> the_listener,
       std::shared_ptr<std::atomic<uint64_t>> dropped)
      : queue(options.max_queue),
        listener(std::move(the_listener)),
        files(std::move(options.location), std::move(options.names), std::move(options.file),
              std::shared_ptr<SegmentListener>(std::shared_ptr<void>(), this)),
        dropped_ns(std::move(dropped)) {}

  void run();
  void count_lost();

  // What is told is counted before.
  void on_segment(const SegmentInfo& info) override {
    count_lost();
    listener->on_segment(info);
  }
  void on_disk_trouble(const std::string& folder, int error) override {
    listener->on_disk_trouble(folder, error);
  }
  void on_incomplete(uint64_t bucket_utc, uint64_t frames) override {
    count_lost();
    listener->on_incomplete(bucket_utc, frames);
  }

  SegmentQueue queue;
  std::shared_ptr<SegmentListener> listener;
  SegmentFiles files;  // of the thread
  uint64_t lost_frames = 0;
  std::shared_ptr<std::atomic<uint64_t>> dropped_ns;

  std::mutex lock;
  std::condition_variable over_changed;
  bool over = false;  // the thread has nothing left to do
};

void SegmentWriter::Core::count_lost() {
  const uint64_t lost = files.lost_frames();
  *dropped_ns += frames_to_ns(lost - lost_frames, kSegmentRate);
  lost_frames = lost;
}

void SegmentWriter::Core::run() {
  Segmenter segmenter(files);
  SegmentItem item;
  while (queue.pop(item)) {
    try {
      segmenter.take(item);
    } catch (const std::exception& error) {
      GST_ERROR("segment not written: %s", error.what());
    }
    count_lost();
  }
  std::lock_guard guard(lock);
  over = true;
  over_changed.notify_all();
}

SegmentWriter::SegmentWriter(Options options, std::shared_ptr<SegmentListener> listener,
                             std::shared_ptr<std::atomic<uint64_t>> dropped_ns)
    : patience_(options.patience),
      core_(std::make_shared<Core>(std::move(options), std::move(listener), std::move(dropped_ns))),
      thread_([core = core_] {
        ::pthread_setname_np(::pthread_self(), "wavsegmenter");
        core->run();
      }) {}

SegmentWriter::~SegmentWriter() {
  core_->queue.push_end();
  core_->queue.close();
  std::unique_lock lock(core_->lock);
  const bool over = core_->over_changed.wait_for(lock, patience_, [&] { return core_->over; });
  lock.unlock();
  if (over) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

SegmentQueue& SegmentWriter::queue() { return core_->queue; }

bool SegmentWriter::finish() {
  core_->queue.push_end();
  return core_->queue.wait_until_done(patience_);
}

}  // namespace dragoman
