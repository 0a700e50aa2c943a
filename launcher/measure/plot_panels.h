// SPDX-License-Identifier: LGPL-2.1-or-later
// The panels of a measurement's picture, without labels.
#pragma once

#include "launcher/measure/plot.h"
#include "launcher/measure/plot_axes.h"

namespace dragoman {

/// Colours from the scale's low to its high end, dBFS.
void draw_spectrogram(cairo_t* cairo, const Panel& panel, const Spectrogram& spectrogram,
                      const Axis& scale);
/// The scale of draw_spectrogram() with its ticks, at the right of the panels.
void draw_colour_scale(cairo_t* cairo, const Rectangle& area, const Axis& scale);

/// Peaks, and within them the RMS.
void draw_outline(cairo_t* cairo, const Panel& panel, const WaveOutline& outline, double seconds);

/// One line over time.
struct Series {
  const char* name;
  const char* key;  ///< of the parameter
  Colour colour;
  double width;
  double Figures::*figure;
};

/// What is normal for the parameter `key`, as a band behind everything else.
void draw_normal(cairo_t* cairo, const Panel& panel, const char* key);
/// The parameters' course at `tap`. Says so if none is known.
void draw_course(cairo_t* cairo, const Panel& panel, const std::vector<MeasuredBucket>& course,
                 size_t tap, std::span<const Series> series);
/// The names of the series of which something is known, over the panel at its right.
void draw_names(cairo_t* cairo, const Panel& panel, const std::vector<MeasuredBucket>& course,
                size_t tap, std::span<const Series> series);

/// The figures that matter most, in rows and columns; of POST with the difference to PRE.
void draw_numbers(cairo_t* cairo, const Rectangle& area, const MeasuredBucket& whole, size_t tap);

}  // namespace dragoman
