// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/sherpa/engine.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "plugins/speech/providers/stt/decode_pool.h"
#include "plugins/speech/providers/stt/provider.h"
#include "plugins/speech/providers/stt/segmenter.h"
#include "plugins/speech/providers/stt/sherpa/files.h"
#include "plugins/speech/providers/stt/sherpa/library.h"

namespace dragoman::sherpa {
namespace {

constexpr unsigned kMostDecodeThreads = 2;
constexpr size_t kLeastClip = kSttRate;  // shorter clips are decoded with silence after them
constexpr float kSpeechThreshold = 0.5f;
constexpr float kDetectorBuffer_s = 30;

/// A recogniser's model. Decodes may run at the same time.
class Model {
 public:
  Model(const Library& library, const SherpaOnnxOfflineRecognizer* recognizer)
      : library_(library), recognizer_(recognizer) {}

  std::string decode(std::vector<float> audio) const {
    if (audio.size() < kLeastClip) audio.resize(kLeastClip);
    const auto* stream = library_.SherpaOnnxCreateOfflineStream(recognizer_);
    library_.SherpaOnnxAcceptWaveformOffline(stream, kSttRate, audio.data(),
                                             static_cast<int32_t>(audio.size()));
    library_.SherpaOnnxDecodeOfflineStream(recognizer_, stream);
    const auto* result = library_.SherpaOnnxGetOfflineStreamResult(stream);
    std::string text = result && result->text ? result->text : "";
    library_.SherpaOnnxDestroyOfflineRecognizerResult(result);
    library_.SherpaOnnxDestroyOfflineStream(stream);
    return text;
  }

 private:
  const Library& library_;
  const SherpaOnnxOfflineRecognizer* recognizer_;  // stays until the process ends
};

/// All that is loaded from one folder. Never destroyed: threads of streams that are still open when
/// the process exits may be using it.
class Engine {
 public:
  static Engine& of(const std::filesystem::path& folder) {
    static std::mutex mutex;
    static auto* const engines = new std::map<std::filesystem::path, Engine*>;
    std::lock_guard lock(mutex);
    Engine*& engine = (*engines)[folder];
    if (!engine) engine = new Engine;
    return *engine;
  }

  const Library* library(const EngineFiles& files, std::string& error) {
    std::lock_guard lock(library_mutex_);
    if (library_) return library_;
    if (auto fault = find_damaged_library(files)) {
      error = *fault;
      return nullptr;
    }
    auto loaded = std::make_unique<Library>();
    error = loaded->load(files.library);
    if (!error.empty()) return nullptr;
    return library_ = loaded.release();
  }

  /// The model of `language`; others that ask meanwhile wait, other languages do not.
  const Model* model(const Library& library, const EngineFiles& files, const std::string& language,
                     std::string& error) {
    Slot& slot = slot_of(language);
    std::lock_guard lock(slot.mutex);
    if (slot.model) return slot.model;
    if (auto fault = find_damaged(files)) {
      error = *fault;
      return nullptr;
    }
    SherpaOnnxOfflineRecognizerConfig config = {};
    config.feat_config = {.sample_rate = kSttRate, .feature_dim = 80};
    config.model_config.moonshine.encoder = files.encoder.c_str();
    config.model_config.moonshine.merged_decoder = files.decoder.c_str();
    config.model_config.tokens = files.tokens.c_str();
    config.model_config.num_threads = 1;
    config.model_config.provider = "cpu";
    config.decoding_method = "greedy_search";
    const auto* recognizer = library.SherpaOnnxCreateOfflineRecognizer(&config);
    if (!recognizer) {
      error = "the speech engine refuses the model in " + files.encoder.parent_path().string() +
              "; run data/fetch-engines";
      return nullptr;
    }
    return slot.model = new Model(library, recognizer);
  }

  stt::DecodePool& pool() { return pool_; }

 private:
  struct Slot {
    std::mutex mutex;  // held while loading
    const Model* model = nullptr;
  };

  Slot& slot_of(const std::string& language) {
    std::lock_guard lock(slots_mutex_);
    return slots_[language];
  }

  std::mutex library_mutex_;
  const Library* library_ = nullptr;
  std::mutex slots_mutex_;
  std::map<std::string, Slot> slots_;
  stt::DecodePool pool_{std::clamp(std::thread::hardware_concurrency(), 1u, kMostDecodeThreads)};
};

class SileroDetector : public stt::VoiceDetector {
 public:
  SileroDetector(const Library& library, const SherpaOnnxVoiceActivityDetector* detector)
      : library_(library), detector_(detector) {}
  ~SileroDetector() override { library_.SherpaOnnxDestroyVoiceActivityDetector(detector_); }
  SileroDetector(const SileroDetector&) = delete;

  bool accept(std::span<const float> frame) override {
    library_.SherpaOnnxVoiceActivityDetectorAcceptWaveform(detector_, frame.data(),
                                                           static_cast<int32_t>(frame.size()));
    const bool speech = library_.SherpaOnnxVoiceActivityDetectorDetected(detector_);
    // Its segments are not used: only the decision on each frame.
    if (was_speech_ && !speech) library_.SherpaOnnxVoiceActivityDetectorClear(detector_);
    return was_speech_ = speech;
  }

 private:
  const Library& library_;
  const SherpaOnnxVoiceActivityDetector* detector_;
  bool was_speech_ = false;
};

class PooledRecognizer : public stt::Recognizer {
 public:
  PooledRecognizer(stt::DecodePool& pool, const Model& model) : pool_(pool), model_(model) {}
  ~PooledRecognizer() override { pool_.cancel(this); }

  void decode(std::vector<float> audio, stt::Urgency urgency,
              std::function<void(stt::Decoded)> done) override {
    pool_.submit(this, urgency,
                 [&model = model_, audio = std::move(audio), done = std::move(done)] {
                   const auto begun = std::chrono::steady_clock::now();
                   std::string text = model.decode(audio);
                   const std::chrono::duration<double, std::milli> spent =
                       std::chrono::steady_clock::now() - begun;
                   done({std::move(text), spent.count()});
                 });
  }

 private:
  stt::DecodePool& pool_;
  const Model& model_;
};

std::unique_ptr<stt::VoiceDetector> new_detector(const Library& library, const EngineFiles& files) {
  SherpaOnnxVadModelConfig config = {};
  const std::string path = files.detector.string();
  config.silero_vad.model = path.c_str();
  config.silero_vad.threshold = kSpeechThreshold;
  // The segmenter counts silence and speech itself and wants each frame's decision.
  config.silero_vad.min_silence_duration = 0;
  config.silero_vad.min_speech_duration = 0;
  config.silero_vad.max_speech_duration = kDetectorBuffer_s / 2;
  config.silero_vad.window_size = stt::kFrame;
  config.sample_rate = kSttRate;
  config.num_threads = 1;
  config.provider = "cpu";
  const auto* detector = library.SherpaOnnxCreateVoiceActivityDetector(&config, kDetectorBuffer_s);
  if (!detector) return nullptr;
  return std::make_unique<SileroDetector>(library, detector);
}

Loaded load_now(const std::filesystem::path& folder, const std::string& language) {
  Loaded loaded;
  const EngineFiles files = engine_files(folder, language);
  if (auto missing = find_missing(files, language)) {
    loaded.error = *missing;
    return loaded;
  }
  Engine& engine = Engine::of(folder);
  const Library* const library = engine.library(files, loaded.error);
  const Model* const model =
      library ? engine.model(*library, files, language, loaded.error) : nullptr;
  if (!model) return loaded;
  loaded.detector = new_detector(*library, files);
  if (!loaded.detector) {
    loaded.error =
        "the speech engine refuses " + files.detector.string() + "; run data/fetch-engines";
    return loaded;
  }
  loaded.recognizer = std::make_unique<PooledRecognizer>(engine.pool(), *model);
  return loaded;
}

class ThreadLoad : public Load {
 public:
  ThreadLoad(std::filesystem::path folder, std::string language, std::function<void(Loaded)> done)
      : thread_([folder = std::move(folder), language = std::move(language),
                 done = std::move(done)] { done(load_now(folder, language)); }) {}
  ~ThreadLoad() override { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Load> load(const std::filesystem::path& folder, const std::string& language,
                           std::function<void(Loaded)> done) {
  return std::make_unique<ThreadLoad>(folder, language, std::move(done));
}

}  // namespace dragoman::sherpa
