// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/segmenter.h"

#include <algorithm>
#include <utility>

#include "plugins/speech/providers/stt/energy.h"
#include "plugins/speech/providers/stt/provider.h"

namespace dragoman::stt {
namespace {

constexpr size_t kCutWindow = kSttRate / 10;  // quiet for so long is most likely between words

constexpr size_t kLeastSearch = kSttRate / 2;
constexpr size_t kClosureFrames = 4;
constexpr double kOnsetDb = 30;  // under the first frame of speech is quiet

}  // namespace

SegmentEvent Segmenter::accept(std::span<const float> frame, bool speech, uint64_t utc) {
  next_utc_ = utc + frame.size() * kSttNsPerSample;
  if (!open_) return idle(frame, speech, utc);
  segment_.audio.insert(segment_.audio.end(), frame.begin(), frame.end());
  if (speech) {
    const bool paused = is_paused();
    silent_frames_ = 0;
    segment_.speech_end = segment_.audio.size();
    segment_.speech_samples += frame.size();
    if (segment_.audio.size() >= settings_.longest) {
      cut();
      return SegmentEvent::kCut;
    }
    return paused ? SegmentEvent::kResumed : SegmentEvent::kNone;
  }
  ++silent_frames_;
  const bool is_long = segment_.audio.size() >= settings_.long_after;
  if (silent_frames_ >= (is_long ? settings_.long_end_frames : settings_.end_frames)) {
    end();
    return SegmentEvent::kEnded;
  }
  return silent_frames_ == settings_.pause_frames ? SegmentEvent::kPaused : SegmentEvent::kNone;
}

SegmentEvent Segmenter::idle(std::span<const float> frame, bool speech, uint64_t utc) {
  if (!speech) {
    lead_.insert(lead_.end(), frame.begin(), frame.end());
    const size_t most = settings_.most_lead_frames * kFrame;
    if (lead_.size() > most) {
      lead_.erase(lead_.begin(), lead_.end() - static_cast<std::ptrdiff_t>(most));
    }
    return SegmentEvent::kNone;
  }
  segment_ = {};
  const size_t sound = sound_in_lead(level_dbfs(frame));
  const size_t wanted =
      std::max(settings_.lead_frames * kFrame, sound + settings_.quiet_lead_frames * kFrame);
  const size_t lead = std::min(wanted, lead_.size());
  segment_.start_utc = utc - lead * kSttNsPerSample;
  segment_.speech_start = lead - sound;
  segment_.audio.assign(lead_.end() - static_cast<std::ptrdiff_t>(lead), lead_.end());
  lead_.clear();
  segment_.audio.insert(segment_.audio.end(), frame.begin(), frame.end());
  segment_.speech_end = segment_.audio.size();
  segment_.speech_samples = frame.size();
  silent_frames_ = 0;
  earliest_cut_ = 0;
  open_ = true;
  return SegmentEvent::kStarted;
}

// Detectors need some speech before they see it, above all at a stream's start: how many of the
// last samples before it belong to it by their level. Short closures (p, t, k) are bridged.
size_t Segmenter::sound_in_lead(double speech_dbfs) const {
  const std::span lead(lead_);
  size_t sound = 0;
  for (size_t back = kFrame; back <= lead.size() && back <= sound + kClosureFrames * kFrame;
       back += kFrame) {
    if (level_dbfs(lead.subspan(lead.size() - back, kFrame)) > speech_dbfs - kOnsetDb) {
      sound = back;
    }
  }
  return sound;
}

// What comes after the announced pause is the lead of the next segment: no sample is in both.
void Segmenter::end() {
  closed_ = std::exchange(segment_, {});
  const size_t kept =
      std::min(closed_.speech_end + settings_.pause_frames * kFrame, closed_.audio.size());
  lead_.assign(closed_.audio.begin() + static_cast<std::ptrdiff_t>(kept), closed_.audio.end());
  closed_.audio.resize(kept);
  open_ = false;
}

void Segmenter::cut() {
  closed_ = std::exchange(segment_, {});
  const size_t size = closed_.audio.size();
  const size_t earliest = std::min(std::exchange(earliest_cut_, 0), size - kLeastSearch);
  const size_t from = std::max(size - std::min(settings_.cut_search, size / 2), earliest);
  const size_t place = quietest_place(closed_.audio, from, size, kCutWindow);
  segment_.audio.assign(closed_.audio.begin() + static_cast<std::ptrdiff_t>(place),
                        closed_.audio.end());
  segment_.start_utc = closed_.start_utc + place * kSttNsPerSample;
  segment_.speech_end = segment_.audio.size();
  segment_.speech_samples = std::min(segment_.audio.size(), closed_.speech_samples);
  segment_.continues = true;
  closed_.audio.resize(place);
  closed_.speech_end = std::min(closed_.speech_end, place);
  closed_.speech_samples -= segment_.speech_samples;
}

bool Segmenter::close() {
  if (!open_) return false;
  end();
  lead_.clear();
  return true;
}

Segment Segmenter::take() { return std::exchange(closed_, {}); }

void Segmenter::drop_front(size_t samples) {
  samples = std::min(samples, segment_.audio.size());
  segment_.audio.erase(segment_.audio.begin(),
                       segment_.audio.begin() + static_cast<std::ptrdiff_t>(samples));
  segment_.start_utc += samples * kSttNsPerSample;
  const auto less = [samples](size_t position) {
    return position > samples ? position - samples : 0;
  };
  segment_.speech_start = less(segment_.speech_start);
  segment_.speech_end = less(segment_.speech_end);
  segment_.speech_samples = std::min(segment_.speech_samples, segment_.speech_end);
  segment_.continues = true;
  earliest_cut_ = less(earliest_cut_);
}

}  // namespace dragoman::stt
