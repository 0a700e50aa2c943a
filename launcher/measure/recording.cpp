// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/recording.h"

#include <gst/app/gstappsink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

constexpr int kMinRate = 8000, kMaxRate = 48000;
constexpr size_t kMaxChannels = 2;
constexpr GstClockTime kPatience = 10 * GST_SECOND;  // for the decoder's next samples
constexpr char kDecoder[] =
    "filesrc name=file ! decodebin caps=audio/x-raw expose-all-streams=false ! "
    "audioconvert dithering=none noise-shaping=none ! "
    "audio/x-raw,format={S16LE,F32LE},layout=interleaved ! "
    "appsink name=out sync=false max-buffers=20";

struct PipelineStop {
  void operator()(GstElement* pipeline) const {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }
};

struct SampleDeleter {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, SampleDeleter>;

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw RecordingError("'" + path + "' " + reason);
}

void check_file(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) {
    fail(path, std::string("cannot be read: ") + std::strerror(errno) + "; check the path");
  }
  if (S_ISDIR(status.st_mode)) fail(path, "is a folder: name a file in it");
  if (!S_ISREG(status.st_mode)) {
    fail(path, "is no file but a device or a pipe: copy its audio into a file first");
  }
  if (::access(path.c_str(), R_OK) != 0) {
    fail(path, std::string("cannot be read: ") + std::strerror(errno) + "; check its permissions");
  }
  if (status.st_size == 0) fail(path, "is empty (0 bytes): record it anew");
}

/// What the decoder's complaint means to who named the file.
std::string meaning_of(const GError* error) {
  const auto is = [error](auto domain, int code) { return g_error_matches(error, domain, code); };
  if (is(GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND) ||
      is(GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN)) {
    return "has no audio that an installed decoder reads; if there is some in it: "
           "apt-get install gstreamer1.0-plugins-ugly gstreamer1.0-libav";
  }
  if (error->domain == GST_RESOURCE_ERROR) return std::string("cannot be read: ") + error->message;
  return std::string("is not audio that can be decoded (") + error->message +
         "): name a WAV, FLAC, Ogg, MP3 or other sound file";
}

std::string rate_text(int rate) { return std::to_string(rate) + " Hz"; }

}  // namespace

struct Recording::Impl {
  std::string path;
  RecordingFormat format;
  uint64_t position = 0;
  std::string broken_off;

  std::unique_ptr<GstElement, PipelineStop> pipeline;
  GstObjectPtr<GstElement> sink;
  SamplePtr current;
  size_t used = 0;  ///< bytes of `current` that were read
  bool ended = false;

  void open();
  void take_format();
  bool pull();
  std::string complaint();
};

void Recording::Impl::open() {
  g_autoptr(GError) error = nullptr;
  pipeline.reset(gst_parse_launch(kDecoder, &error));
  if (error) {
    throw RecordingError(std::string("cannot decode: ") + error->message +
                         "; apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good");
  }
  const GstObjectPtr<GstElement> file(gst_bin_get_by_name(GST_BIN(pipeline.get()), "file"));
  sink.reset(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  g_object_set(file.get(), "location", path.c_str(), nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  if (!pull()) {
    fail(path, broken_off.empty() ? "has no audio in it: a header without samples, or samples that "
                                    "its decoder does not find; 'soxi' tells what it should have"
                                  : broken_off);
  }
  take_format();
}

void Recording::Impl::take_format() {
  GstAudioInfo info;
  if (!gst_audio_info_from_caps(&info, gst_sample_get_caps(current.get()))) {
    fail(path, "decodes to no plain audio");
  }
  format = {GST_AUDIO_INFO_FORMAT(&info), info.rate, static_cast<size_t>(info.channels)};
  if (format.channels > kMaxChannels) {
    fail(path, "has " + std::to_string(format.channels) +
                   " channels, one or two can be measured: sox '" + path +
                   "' two.wav remix 1 2  takes the first two");
  }
  if (format.rate < kMinRate || format.rate > kMaxRate) {
    const int nearest = format.rate < kMinRate ? kMinRate : kMaxRate;
    fail(path, "has " + rate_text(format.rate) + ", " + std::to_string(kMinRate) + " to " +
                   rate_text(kMaxRate) + " can be measured: sox '" + path + "' other.wav rate " +
                   std::to_string(nearest));
  }
}

/// What the decoder complained of first, for the user; empty if of nothing.
std::string Recording::Impl::complaint() {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline.get());
  g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  if (!message) return {};
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  return meaning_of(ErrorPtr(error).get());
}

/// Waits for the next samples; false at the end, whose reason is in broken_off if it came early.
bool Recording::Impl::pull() {
  for (GstClockTime waited = 0; !ended && waited < kPatience; waited += 100 * GST_MSECOND) {
    current.reset(gst_app_sink_try_pull_sample(GST_APP_SINK(sink.get()), 100 * GST_MSECOND));
    used = 0;
    if (current && gst_buffer_get_size(gst_sample_get_buffer(current.get())) > 0) return true;
    if (current) continue;
    broken_off = complaint();
    ended = !broken_off.empty() || gst_app_sink_is_eos(GST_APP_SINK(sink.get()));
  }
  if (!ended) broken_off = "stops in the middle: its decoder gives nothing any more";
  ended = true;
  return false;
}

Recording::Recording(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  check_file(path);
  impl_->open();
}

Recording::~Recording() = default;
Recording::Recording(Recording&&) noexcept = default;

const std::string& Recording::path() const { return impl_->path; }
const RecordingFormat& Recording::format() const { return impl_->format; }
uint64_t Recording::position() const { return impl_->position; }
const std::string& Recording::broken_off() const { return impl_->broken_off; }

std::optional<uint64_t> Recording::announced_ns() const {
  gint64 duration = 0;
  if (!gst_element_query_duration(impl_->pipeline.get(), GST_FORMAT_TIME, &duration) ||
      duration <= 0) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(duration);
}

size_t Recording::read(size_t frames, std::vector<uint8_t>& samples) {
  const size_t bytes = frames * impl_->format.frame_bytes();
  samples.clear();
  while (samples.size() < bytes && impl_->current) {
    GstBuffer* buffer = gst_sample_get_buffer(impl_->current.get());
    const size_t left = gst_buffer_get_size(buffer) - impl_->used;
    const size_t count = std::min(left, bytes - samples.size());
    const size_t before = samples.size();
    samples.resize(before + count);
    gst_buffer_extract(buffer, impl_->used, samples.data() + before, count);
    impl_->used += count;
    if (count < left) break;
    if (!impl_->pull()) break;
    const RecordingFormat format = impl_->format;
    impl_->take_format();
    if (format.rate != impl_->format.rate || format.frame_bytes() != impl_->format.frame_bytes()) {
      fail(impl_->path, "changes its format in the middle: convert it with sox first");
    }
  }
  const size_t got = samples.size() / impl_->format.frame_bytes();
  impl_->position += got;
  return got;
}

}  // namespace dragoman
