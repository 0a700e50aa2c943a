// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/audio_files.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

constexpr size_t kMaxSamples = size_t{16000} * 3600;
constexpr int kMaxSilentPulls = 50;  // of 100 ms: a file that hangs (a pipe)
constexpr char kDecoder[] =
    "filesrc name=file ! decodebin ! audioconvert ! audioresample ! "
    "audio/x-raw,format=S16LE,rate=16000,channels=1 ! appsink name=out sync=false max-buffers=50";

struct PipelineStop {
  void operator()(GstElement* pipeline) const {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }
};

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw std::runtime_error("speech file '" + path + "': " + reason);
}

/// What the pipeline complained about, or null.
ErrorPtr error_of(GstElement* pipeline) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  GError* error = nullptr;
  if (message) gst_message_parse_error(message, &error, nullptr);
  return ErrorPtr(error);
}

void append(std::vector<int16_t>& samples, GstSample* sample) {
  GstMapInfo map;
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
  const size_t before = samples.size(), count = map.size / sizeof(int16_t);
  samples.resize(before + count);
  std::memcpy(samples.data() + before, map.data, count * sizeof(int16_t));
  gst_buffer_unmap(buffer, &map);
}

}  // namespace

std::vector<int16_t> read_speech(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) fail(path, std::strerror(errno));
  g_autoptr(GError) broken = nullptr;
  std::unique_ptr<GstElement, PipelineStop> pipeline(gst_parse_launch(kDecoder, &broken));
  if (broken) fail(path, std::string("cannot decode: ") + broken->message);
  GstObjectPtr<GstElement> file(gst_bin_get_by_name(GST_BIN(pipeline.get()), "file"));
  GstObjectPtr<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  g_object_set(file.get(), "location", path.c_str(), nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  std::vector<int16_t> samples;
  GstAppSink* sink = GST_APP_SINK(out.get());
  for (int silent = 0; samples.size() < kMaxSamples && silent < kMaxSilentPulls;) {
    g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(sink, 100 * GST_MSECOND);
    if (const ErrorPtr error = error_of(pipeline.get())) fail(path, error->message);
    if (!sample && gst_app_sink_is_eos(sink)) break;
    if (sample) append(samples, sample);
    silent = sample ? 0 : silent + 1;
  }
  if (samples.empty()) fail(path, "there is no sound in it");
  return samples;
}

void write_heard(const std::string& path, const HeardAudio& audio) {
  static_assert(std::endian::native == std::endian::little, "WAV is written as it lies in memory");
  const auto rate = static_cast<uint32_t>(audio.sample_rate);
  const auto bytes = static_cast<uint32_t>(audio.samples.size() * sizeof(int16_t));
  std::string header = "RIFF....WAVEfmt ....................data....";
  const auto put = [&header](size_t at, auto value) {
    std::memcpy(header.data() + at, &value, sizeof value);
  };
  put(4, bytes + 36);
  put(16, uint32_t{16});
  put(20, uint16_t{1});  // PCM
  put(22, uint16_t{1});  // channels
  put(24, rate);
  put(28, rate * 2);
  put(32, uint16_t{2});
  put(34, uint16_t{16});
  put(40, bytes);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  file.write(reinterpret_cast<const char*>(audio.samples.data()), bytes);
  file.close();
  if (!file) {
    throw std::runtime_error("cannot write '" + path + "': " + std::strerror(errno) +
                             ": name a file in a folder that can be written");
  }
}

}  // namespace dragoman
