// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns a `volume` that plays without a click.
#pragma once

#include <gst/gst.h>

#include <string>

namespace dragoman {

/// Whether `property` of `element` is a gain that can be ramped: volume's volume.
bool is_gain(GstElement* element, const std::string& property);

/// Brings the factor of a `volume` to `target`: at once before it plays, else sample by sample over
/// kGainRampMs from its next buffer on. A second call while it ramps goes on from where it is. Any
/// thread, returns at once.
void ramp_gain(GstElement* volume, double target);

inline constexpr int kGainRampMs = 30;

}  // namespace dragoman
