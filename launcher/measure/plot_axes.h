// SPDX-License-Identifier: LGPL-2.1-or-later
// What a plot is drawn with: a panel with axes, ticks and text.
#pragma once

#include <cairo.h>

#include <string>
#include <vector>

#include "launcher/measure/colour_map.h"

namespace dragoman {

struct Rectangle {
  double x = 0, y = 0, width = 0, height = 0;  ///< pixels

  double right() const { return x + width; }
  double bottom() const { return y + height; }
};

/// From `low` to `high`, in the unit of what is shown.
struct Axis {
  double low = 0, high = 1;

  double share_of(double value) const { return (value - low) / (high - low); }
};

struct Tick {
  double value = 0;
  std::string text;
};

/// At round values (1, 2, 5 times a power of ten), `most` at most.
std::vector<Tick> round_ticks(const Axis& axis, size_t most);
/// Seconds as "5", "1:30" or "1:00:00", after the axis's length, at round times.
std::vector<Tick> time_ticks(const Axis& axis, size_t most);
/// What time_ticks() are in.
const char* time_unit(const Axis& axis);

namespace plot_colours {
inline constexpr Colour kInk{0.13, 0.15, 0.19}, kFaint{0.45, 0.48, 0.53}, kGrid{0.88, 0.89, 0.91},
    kFrame{0.62, 0.65, 0.69}, kPaper{1, 1, 1}, kNormal{0.91, 0.96, 0.91}, kFirst{0.11, 0.36, 0.64},
    kSecond{0.83, 0.45, 0.12}, kThird{0.35, 0.55, 0.30}, kAlarm{0.75, 0.12, 0.12};
}  // namespace plot_colours

enum class Align { kLeft, kCentre, kRight };
enum class Weight { kPlain, kBold };

void set_colour(cairo_t* cairo, const Colour& colour, double opacity = 1);

/// One line of `text` whose baseline is at `y`, shortened with "…" in its middle if it is wider
/// than `most` pixels. Its width.
double draw_text(cairo_t* cairo, double x, double y, const std::string& text, double size,
                 const Colour& colour, Align align = Align::kLeft, Weight weight = Weight::kPlain,
                 double most = 1e9);

/// Text from below to above, its middle at `x`, `y`.
void draw_upright_text(cairo_t* cairo, double x, double y, const std::string& text, double size);

/// Where values lie in the picture.
struct Panel {
  Rectangle area;
  Axis x, y;

  double x_of(double value) const { return area.x + x.share_of(value) * area.width; }
  double y_of(double value) const { return area.bottom() - y.share_of(value) * area.height; }
};
void draw_grid(cairo_t* cairo, const Panel& panel, const std::vector<Tick>& x_ticks,
               const std::vector<Tick>& y_ticks);
void draw_frame(cairo_t* cairo, const Panel& panel);
void draw_x_labels(cairo_t* cairo, const Panel& panel, const std::vector<Tick>& ticks);
void draw_y_labels(cairo_t* cairo, const Panel& panel, const std::vector<Tick>& ticks);

}  // namespace dragoman
