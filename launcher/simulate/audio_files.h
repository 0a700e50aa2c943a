// SPDX-License-Identifier: LGPL-2.1-or-later
// Audio files for the simulated phones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/simulate/rtp_phone.h"

namespace dragoman {

/// The audio of `path`, in any format that GStreamer decodes, as 16 kHz mono. Needs gst_init().
/// Blocks. Throws std::runtime_error naming the file and what is wrong with it.
std::vector<int16_t> read_speech(const std::string& path);

/// Writes `audio` as a 16-bit WAV file, over what is there. Throws std::runtime_error.
void write_heard(const std::string& path, const HeardAudio& audio);

}  // namespace dragoman
