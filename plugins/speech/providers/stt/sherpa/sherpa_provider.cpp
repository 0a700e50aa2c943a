// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/sherpa/sherpa_provider.h"

#include <deque>
#include <utility>

#include "plugins/speech/providers/stt/clause_stream.h"
#include "plugins/speech/providers/stt/sherpa/engine.h"
#include "plugins/speech/providers/stt/sherpa/files.h"

namespace dragoman::sherpa {
namespace {

/// Keeps the audio until the models are there, then hands it all to a ClauseStream.
class SherpaStream : public SttStream {
 public:
  SherpaStream(const SttOptions& options, SttListener& listener, SttPost post)
      : listener_(listener), post_(std::move(post)) {
    load_ = load(engines_folder(options.engines), options.language,
                 [this, post = post_, alive = std::weak_ptr(alive_)](Loaded loaded) {
                   auto kept = std::make_shared<Loaded>(std::move(loaded));
                   post([this, alive, kept] {
                     if (!alive.expired()) start(std::move(*kept));
                   });
                 });
  }

  void push(std::span<const int16_t> samples, uint64_t utc) override {
    if (stream_) {
      stream_->push(samples, utc);
    } else {
      waiting_.push_back({{samples.begin(), samples.end()}, utc});
    }
  }

  void flush() override {
    if (stream_) {
      stream_->flush();
    } else {
      flush_waits_ = true;
    }
  }

 private:
  struct Audio {
    std::vector<int16_t> samples;
    uint64_t utc;
  };

  void start(Loaded loaded) {
    if (!loaded.error.empty()) {
      listener_.on_failure(loaded.error, SttFailureKind::kPermanent);
      return;
    }
    stream_ = std::make_unique<stt::ClauseStream>(listener_, post_, std::move(loaded.detector),
                                                  std::move(loaded.recognizer));
    for (const Audio& audio : std::exchange(waiting_, {})) stream_->push(audio.samples, audio.utc);
    if (std::exchange(flush_waits_, false)) stream_->flush();
  }

  SttListener& listener_;
  SttPost post_;
  std::deque<Audio> waiting_;
  bool flush_waits_ = false;
  std::unique_ptr<stt::ClauseStream> stream_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Load> load_;  // last: its thread has ended before the rest goes
};

}  // namespace

std::optional<std::string> check(const SttOptions& options) {
  return find_missing(engine_files(engines_folder(options.engines), options.language),
                      options.language);
}

std::unique_ptr<SttStream> open(const SttOptions& options, SttListener& listener, SttPost post) {
  return std::make_unique<SherpaStream>(options, listener, std::move(post));
}

}  // namespace dragoman::sherpa
