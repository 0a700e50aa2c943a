// SPDX-License-Identifier: LGPL-2.1-or-later
// What a speech-to-text provider is: audio in, partial and committed text out, as a stream. Knows
// no GStreamer. A new one is one file, and one line in the table of providers.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// Sampling rate of all audio given to providers, Hz; mono, signed 16 bit.
inline constexpr unsigned kSttRate = 16000;
inline constexpr uint64_t kSttNsPerSample = 1'000'000'000 / kSttRate;

struct SttOptions {
  std::string language;  ///< BCP 47 primary tag: "en"
  std::string engines;   ///< folder of the offline engines; empty: the default one
};

/// What was heard. Times are UTC ns since 1970.
struct SttResult {
  std::string text;
  uint64_t utterance = 0;  ///< UTC µs of the utterance's start, unique in the stream
  unsigned clause = 0;     ///< 0, 1, … in the utterance
  uint64_t start_utc = 0, end_utc = 0;
  uint64_t committed_utc = 0;
  double endpoint_ms = 0;  ///< from the end of the speech to the decision that it ended
  double decode_ms = 0;    ///< spent decoding it
  std::optional<double> confidence;
};

enum class SttFailureKind {
  kTemporary,  ///< trying again may help: a network, a crash
  kPermanent,  ///< it will not: a missing file, a refused key, an unknown language
};

/// Hears what a stream has found. Called on the stream's thread only.
class SttListener {
 public:
  virtual ~SttListener() = default;
  /// What the speech after the last committed clause looks like so far; may change.
  virtual void on_partial(const SttResult& partial) = 0;
  /// The next clause, committed for good.
  virtual void on_clause(const SttResult& clause) = 0;
  /// Nothing before `utc` (ns) is needed any more: it is committed, or was no speech.
  virtual void on_settled(uint64_t utc) = 0;
  /// All audio pushed before flush() is settled.
  virtual void on_flushed() = 0;
  /// The stream is of no more use; what is not settled should go to another. `error` says what is
  /// wrong and its cure. The stream must not be destroyed in this call.
  virtual void on_failure(const std::string& error, SttFailureKind kind) = 0;
};

/// One speaker's audio. All functions are called on one thread, the stream's; they may work but not
/// wait. Destroying it stops everything; nothing is called afterwards.
class SttStream {
 public:
  virtual ~SttStream() = default;
  /// The next samples, of which the first was heard at `utc` (ns). Without gaps.
  virtual void push(std::span<const int16_t> samples, uint64_t utc) = 0;
  /// Nothing follows for a while: commit what is open, then call on_flushed().
  virtual void flush() = 0;
};

/// How a provider's own threads get back to the stream's: runs the function there, soon, in order.
/// May be called from any thread, and after the stream is gone (a stream's functions must then do
/// nothing).
using SttPost = std::function<void(std::function<void()>)>;

struct SttProvider {
  const char* name;
  /// Checks at little cost that the provider can work: what is wrong and its cure, or nothing.
  std::optional<std::string> (*check)(const SttOptions& options);
  /// Opens a stream at once; what takes time (models, connections) happens behind, and push() keeps
  /// the audio meanwhile.
  std::unique_ptr<SttStream> (*open)(const SttOptions& options, SttListener& listener,
                                     SttPost post);
};

/// All providers of this build.
std::span<const SttProvider> stt_providers();

/// The provider called `name`, or null.
const SttProvider* find_stt_provider(std::string_view name);

}  // namespace dragoman
