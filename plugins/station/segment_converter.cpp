// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/segment_converter.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace dragoman {

SegmentConverter::SegmentConverter(const GstAudioInfo& input, Sink sink)
    : input_(input),
      sink_(std::move(sink)),
      silence_(kSilenceFrames * static_cast<size_t>(input.bpf), std::byte{0}) {
  GstAudioInfo output;
  gst_audio_info_set_format(&output, GST_AUDIO_FORMAT_S16LE, kSegmentRate, 1, nullptr);
  GstStructure* options =
      gst_structure_new("options", GST_AUDIO_CONVERTER_OPT_DITHER_METHOD,
                        GST_TYPE_AUDIO_DITHER_METHOD, GST_AUDIO_DITHER_NONE, nullptr);
  converter_.reset(
      gst_audio_converter_new(GST_AUDIO_CONVERTER_FLAG_NONE, &input_, &output, options));
  if (!converter_) throw std::runtime_error("this audio cannot be converted to 16 kHz mono");
}

uint64_t SegmentConverter::output_of(uint64_t in_frames) const {
  const auto rate = static_cast<uint64_t>(input_.rate);
  return gst_util_uint64_scale_round(in_frames, kSegmentRate, rate);
}

void SegmentConverter::convert(std::span<const std::byte> audio) {
  const size_t frames = audio.size() / static_cast<size_t>(input_.bpf);
  in_frames_ += frames;
  run(audio.data(), frames, std::numeric_limits<uint64_t>::max());
}

void SegmentConverter::convert_silence(uint64_t frames) {
  while (frames) {
    const auto piece = static_cast<size_t>(std::min<uint64_t>(frames, kSilenceFrames));
    in_frames_ += piece;
    run(silence_.data(), piece, std::numeric_limits<uint64_t>::max());
    frames -= piece;
  }
}

void SegmentConverter::drain() {
  const uint64_t end = output_of(in_frames_);
  while (out_frames_ < end) run(silence_.data(), kSilenceFrames, end);
  gst_audio_converter_reset(converter_.get());
  in_frames_ = out_frames_ = 0;
}

void SegmentConverter::run(const void* audio, size_t frames, uint64_t limit) {
  const size_t expected = gst_audio_converter_get_out_frames(converter_.get(), frames);
  if (out_.size() < expected) out_.resize(expected);
  gpointer in[] = {const_cast<void*>(audio)};
  gpointer out[] = {out_.data()};
  if (!frames || !gst_audio_converter_samples(converter_.get(), GST_AUDIO_CONVERTER_FLAG_NONE, in,
                                              frames, out, expected)) {
    return;
  }
  const auto given = static_cast<size_t>(std::min<uint64_t>(expected, limit - out_frames_));
  out_frames_ += given;
  if (given) sink_(std::span(out_).first(given));
}

}  // namespace dragoman
