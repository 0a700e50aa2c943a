// SPDX-License-Identifier: LGPL-2.1-or-later
// sherpa-onnx's C API, loaded at run time so that the plugin registers without it.
#pragma once

#include <sherpa-onnx/c-api/c-api.h>

#include <filesystem>
#include <string>

namespace dragoman::sherpa {

#define DRAGOMAN_SHERPA_FUNCTIONS(X)               \
  X(SherpaOnnxCreateOfflineRecognizer)             \
  X(SherpaOnnxDestroyOfflineRecognizer)            \
  X(SherpaOnnxCreateOfflineStream)                 \
  X(SherpaOnnxDestroyOfflineStream)                \
  X(SherpaOnnxAcceptWaveformOffline)               \
  X(SherpaOnnxDecodeOfflineStream)                 \
  X(SherpaOnnxGetOfflineStreamResult)              \
  X(SherpaOnnxDestroyOfflineRecognizerResult)      \
  X(SherpaOnnxCreateVoiceActivityDetector)         \
  X(SherpaOnnxDestroyVoiceActivityDetector)        \
  X(SherpaOnnxVoiceActivityDetectorAcceptWaveform) \
  X(SherpaOnnxVoiceActivityDetectorDetected)       \
  X(SherpaOnnxVoiceActivityDetectorClear)

/// The functions in use, under their own names. Stays loaded once it is.
struct Library {
#define DRAGOMAN_DECLARE(name) decltype(&::name) name = nullptr;
  DRAGOMAN_SHERPA_FUNCTIONS(DRAGOMAN_DECLARE)
#undef DRAGOMAN_DECLARE

  /// Loads `file`; answers what is wrong, or an empty string.
  std::string load(const std::filesystem::path& file);
};

}  // namespace dragoman::sherpa
