// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/measurement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "launcher/measure/pair_delay.h"
#include "launcher/measure/probe_bench.h"

namespace dragoman {
namespace {

constexpr const char* kTaps[] = {"PRE", "POST"};
/// The probes of a tap, by their traces.
constexpr char kFigures[] = "figures", kWhole[] = "whole", kCourse[] = "course",
               kSpeechCourse[] = "speech-course";
constexpr int kPiecesPerSecond = 50;
constexpr uint64_t kNs = 1'000'000'000;
constexpr uint64_t kTableBucketNs = 5 * kNs;  // what limits of counted parameters are for

/// Points that a course has at most, if the recording's length is known, and its shortest bucket.
constexpr uint64_t kCoursePoints = 400, kMinCourseNs = kNs / 10, kBlindCourseNs = kNs,
                   kMinSpeechCourseNs = kNs;

/// What a recording played as fast as possible cannot tell: the processing's time and the
/// process's.
bool is_telling(const Parameter& parameter) {
  return parameter.group != ParameterGroup::kProcessing;
}

TapFigures figures_of(const ProbeBucket& bucket) {
  TapFigures figures;
  for (const auto& [number, metric] : bucket.metrics) {
    const Parameter& parameter = parameters()[static_cast<size_t>(number) - 1];
    if (!is_telling(parameter)) continue;
    const bool counted = parameter.kind == ParameterKind::kCounted;
    // A total over longer than its limits are meant for says nothing about them.
    const bool comparable = !counted || bucket.measured_ns <= kTableBucketNs;
    figures[number] = {metric.count, counted ? metric.last : metric.avg, metric.min, metric.max,
                       comparable ? metric.state : std::string()};
  }
  return figures;
}

std::vector<MeasuredBucket> buckets_of(const ProbeBench& bench, const std::string& trace,
                                       size_t taps) {
  std::map<uint64_t, MeasuredBucket> buckets;
  for (size_t tap = 0; tap < taps; ++tap) {
    for (const auto& [start_ns, probed] : bench.buckets(trace, kTaps[tap])) {
      MeasuredBucket& bucket = buckets[start_ns];
      bucket.taps.resize(taps);
      bucket.start_s = static_cast<double>(start_ns) / kNs;
      bucket.seconds = std::max(bucket.seconds, static_cast<double>(probed.measured_ns) / kNs);
      bucket.taps[tap] = figures_of(probed);
    }
  }
  std::vector<MeasuredBucket> list;
  for (auto& [start, bucket] : buckets) list.push_back(std::move(bucket));
  return list;
}

uint64_t course_interval(const Recording& recording) {
  const std::optional<uint64_t> length = recording.announced_ns();
  if (!length) return kBlindCourseNs;
  const uint64_t tenths = *length / kCoursePoints / kMinCourseNs + 1;
  return tenths * kMinCourseNs;
}

void check_pair(const std::vector<Recording>& recordings) {
  if (recordings.size() < 2) return;
  const int pre = recordings[0].format().rate, post = recordings[1].format().rate;
  if (pre == post) return;
  const Recording& faster = recordings[pre > post ? 0 : 1];
  const int rate = std::min(pre, post);
  throw RecordingError("'" + recordings[0].path() + "' has " + std::to_string(pre) + " Hz and '" +
                       recordings[1].path() + "' " + std::to_string(post) +
                       " Hz: PRE and POST are compared at one rate: sox '" + faster.path() +
                       "' same-rate.wav rate " + std::to_string(rate));
}

/// Plays all to the end of the shortest; the frames that were measured.
uint64_t play(std::vector<Recording>& recordings, ProbeBench& bench, PairDelay* delay,
              const MeasureOptions& options) {
  const auto rate = static_cast<uint64_t>(recordings[0].format().rate);
  std::vector<std::vector<uint8_t>> pieces(recordings.size());
  uint64_t frames = 0;
  for (uint64_t piece = 1;; ++piece) {
    const size_t wanted = piece * rate / kPiecesPerSecond - frames;
    size_t got = wanted;
    for (size_t i = 0; i < recordings.size(); ++i) {
      got = std::min(got, recordings[i].read(wanted, pieces[i]));
    }
    for (size_t i = 0; got > 0 && i < recordings.size(); ++i) {
      pieces[i].resize(got * recordings[i].format().frame_bytes());
      bench.push(i, pieces[i], frames);
      if (delay) delay->add(i, pieces[i]);
      if (options.on_audio) options.on_audio(i, pieces[i]);
    }
    frames += got;
    if (options.interval_s == 0 && static_cast<double>(frames) > kMaxIntervalS * rate) {
      throw RecordingError("'" + recordings[0].path() +
                           "' is longer than a day: measure it with --interval 3600");
    }
    if (got < wanted) return frames;
  }
}

/// Reads what is left, for the file's length.
MeasuredFile file_of(Recording& recording, const char* tap) {
  const RecordingFormat& format = recording.format();
  std::vector<uint8_t> samples;
  while (recording.read(static_cast<size_t>(format.rate), samples) > 0) continue;
  return {recording.path(), tap, format, static_cast<double>(recording.position()) / format.rate,
          recording.broken_off()};
}

std::vector<BenchProbe> probes_for(const std::vector<Recording>& recordings,
                                   const MeasureOptions& options) {
  const auto ns_of = [](double seconds) {
    return static_cast<uint64_t>(std::llround(seconds * kNs));
  };
  const double interval_s = options.interval_s > 0 ? options.interval_s : kMaxIntervalS;
  std::vector<BenchProbe> probes = {{kFigures, options.station, ns_of(interval_s)}};
  if (options.course) {
    if (options.interval_s > 0) probes.push_back({kWhole, options.station, ns_of(kMaxIntervalS)});
    const uint64_t course_ns = course_interval(recordings[0]);
    probes.push_back({kCourse, kEveryParameter, course_ns});
    probes.push_back({kSpeechCourse, kEveryParameter, std::max(course_ns, kMinSpeechCourseNs)});
  }
  return probes;
}

}  // namespace

Measurement measure(std::vector<Recording>& recordings, const MeasureOptions& options) {
  check_pair(recordings);
  ProbeBench bench(probes_for(recordings, options));
  for (size_t i = 0; i < recordings.size(); ++i) bench.add_tap(kTaps[i], recordings[i].format());
  std::optional<PairDelay> delay;
  if (recordings.size() > 1) delay.emplace(recordings[0].format(), recordings[1].format());
  const uint64_t frames = play(recordings, bench, delay ? &*delay : nullptr, options);
  bench.end();

  const size_t taps = recordings.size();
  Measurement measurement{.station = options.station, .interval_s = options.interval_s};
  for (size_t i = 0; i < taps; ++i) measurement.files.push_back(file_of(recordings[i], kTaps[i]));
  measurement.seconds = static_cast<double>(frames) / recordings[0].format().rate;
  if (delay) measurement.delay_ms = delay->delay_ms();
  measurement.buckets = buckets_of(bench, kFigures, taps);
  if (measurement.buckets.empty()) {
    throw std::runtime_error("the station '" + options.station +
                             "' measures nothing of a recording; name another with --station, or "
                             "one without a file, which has every parameter");
  }
  if (options.course) {
    measurement.whole =
        options.interval_s > 0 ? buckets_of(bench, kWhole, taps).at(0) : measurement.buckets.at(0);
    measurement.course = buckets_of(bench, kCourse, taps);
    measurement.speech_course = buckets_of(bench, kSpeechCourse, taps);
  }
  return measurement;
}

}  // namespace dragoman
