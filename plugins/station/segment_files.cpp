// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/segment_files.h"

#include <array>
#include <ctime>
#include <filesystem>

#include "plugins/station/segment_converter.h"

namespace dragoman {
namespace {

class WavSegmentFile : public SegmentFile {
 public:
  int open(const std::string& path) override {
    return writer_.open(path, {.sample_rate = kSegmentRate, .channels = 1});
  }
  int append(std::span<const int16_t> samples) override { return writer_.append(samples); }
  int finish() override { return writer_.finish(); }
  void discard() override { writer_.discard(); }
  uint64_t frames() const override { return writer_.is_open() ? writer_.frames() : 0; }
  std::string location() const override { return writer_.location(); }

 private:
  WavWriter writer_;
};

std::string format_utc(uint64_t utc_ns, const char* format) {
  const auto seconds = static_cast<time_t>(utc_ns / GST_SECOND);
  tm parts;
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

}  // namespace

std::string segment_path(const std::string& location, const TapNames& names, uint64_t bucket_utc) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(location) / format_utc(bucket_utc, "%Y-%m-%d") /
                          ("trace_" + (names.trace.empty() ? "none" : names.trace)) /
                          names.station / names.tap;
  return (folder / (format_utc(bucket_utc, "%Y%m%dT%H%M%SZ") + ".wav")).string();
}

std::unique_ptr<SegmentFile> new_wav_segment_file() { return std::make_unique<WavSegmentFile>(); }

void SegmentFiles::begin(uint64_t bucket_utc, const StreamStretch& at) {
  end();
  current_ = {.bucket_utc = bucket_utc, .stretch = at};
  begun_ = true;
  failed_ = false;
  lost_before_ = lost_frames_;
  if (const int error = file_->open(segment_path(location_, names_, bucket_utc))) fail(error);
}

void SegmentFiles::write(std::span<const int16_t> samples) {
  if (!begun_) return;
  const uint64_t before = file_->frames();
  if (!failed_) {
    if (const int error = file_->append(samples)) fail(error);
  }
  lost_frames_ += samples.size() - (file_->frames() - before);
}

void SegmentFiles::end() {
  if (!begun_) return;
  begun_ = false;
  finish_file();
  if (lost_frames_ > lost_before_)
    listener_->on_incomplete(current_.bucket_utc, lost_frames_ - lost_before_);
}

void SegmentFiles::finish_file() {
  const uint64_t frames = file_->frames();
  if (!frames) {
    file_->discard();
    return;
  }
  if (const int error = file_->finish()) {
    lost_frames_ += frames;
    fail(error);
    return;
  }
  current_.frames = frames;
  current_.location = file_->location();
  current_.stretch.duration = gst_util_uint64_scale_round(frames, GST_SECOND, kSegmentRate);
  listener_->on_segment(current_);
}

void SegmentFiles::fail(int error) {
  failed_ = true;
  const std::string path = segment_path(location_, names_, current_.bucket_utc);
  listener_->on_disk_trouble(std::filesystem::path(path).parent_path().string(), error);
}

}  // namespace dragoman
