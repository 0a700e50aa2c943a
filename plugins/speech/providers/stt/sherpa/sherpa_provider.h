// SPDX-License-Identifier: LGPL-2.1-or-later
// The offline provider "sherpa": sherpa-onnx with Silero's voice detector and Moonshine.
#pragma once

#include "plugins/speech/providers/stt/provider.h"

namespace dragoman::sherpa {

/// Whether all files of the engine and of the language's model are there.
std::optional<std::string> check(const SttOptions& options);

std::unique_ptr<SttStream> open(const SttOptions& options, SttListener& listener, SttPost post);

}  // namespace dragoman::sherpa
