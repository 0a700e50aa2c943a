// SPDX-License-Identifier: LGPL-2.1-or-later
// Channels: text that crosses from one pipeline to others of the same process, as audio does in
// GStreamer's interaudiosink and interaudiosrc. sttsink publishes on one, any number of ttssrc and
// captionsrc listen. A program that is not an element publishes through sttsink's action signal
// `say` (language s, text s), which works in any state: the clause goes out on the sink's channel,
// begun, ended and committed now.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace dragoman {

/// A committed piece of what somebody said, in his own language. Times are UTC ns since 1970.
struct Clause {
  std::string channel;
  uint64_t utterance = 0;  ///< UTC µs of the utterance's start; unique in the channel
  unsigned clause = 0;     ///< 0, 1, … within the utterance
  std::string text;
  std::string language;                 ///< BCP 47 primary tag: "en", "es"
  uint64_t start_utc = 0, end_utc = 0;  ///< of the clause's speech
  uint64_t committed_utc = 0;           ///< when it was decided
};

class ChannelListener {
 public:
  virtual ~ChannelListener() = default;
  /// A clause was committed. Called on the publisher's decoding thread, in order within a channel;
  /// must not block.
  virtual void on_clause(const std::shared_ptr<const Clause>& clause) = 0;
  /// The publisher of `channel` reached the end of its stream (sttsink at EOS, after its last
  /// clause). Called as on_clause is. ttssrc and captionsrc whose property `end-with-channel` is
  /// true (default false: a call's listener outlives the speaker) go to EOS once all that was said
  /// before is translated and pushed; so a pipeline that reads a file ends by itself.
  virtual void on_end(const std::string& channel) {}
};

/// The process's channels. Owned by the speech plugin; every function may be called from any
/// thread.
class Channels {
 public:
  /// The registry of this process.
  static Channels& instance();

  /// `listener` hears `channel` until the returned handle is destroyed; destroying it waits for a
  /// call in progress. A channel exists as soon as anybody names it; what was said before is not
  /// repeated.
  [[nodiscard]] std::shared_ptr<void> listen(const std::string& channel, ChannelListener& listener);

  /// Hands `clause` to all listeners of `clause->channel`.
  void publish(const std::shared_ptr<const Clause>& clause);

  /// Tells all listeners of `channel` that its publisher has ended.
  void end(const std::string& channel);

 private:
  struct Impl;
  Channels();
  ~Channels();
  std::unique_ptr<Impl> impl_;
};

}  // namespace dragoman
