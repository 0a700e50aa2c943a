// SPDX-License-Identifier: LGPL-2.1-or-later
// Colours for figures.
#pragma once

namespace dragoman {

/// sRGB, 0 to 1.
struct Colour {
  double red = 0, green = 0, blue = 0;
};

/// From near black over violet, red and orange to light yellow for `value` from 0 to 1. Equal steps
/// look equal: lightness rises linearly in OKLab (Ottosson 2020, "A perceptual color space for
/// image processing"), so it reads in print and with any colour vision.
Colour map_colour(double value);

/// OKLab's lightness, 0 to 1.
double lightness_of(const Colour& colour);

}  // namespace dragoman
