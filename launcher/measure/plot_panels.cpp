// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/plot_panels.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

using SurfacePtr = std::unique_ptr<cairo_surface_t, Deleter<cairo_surface_destroy>>;

uint32_t pixel_of(const Colour& colour) {
  const auto byte = [](double share) { return static_cast<uint32_t>(std::lround(share * 255)); };
  return 0xff000000u | byte(colour.red) << 16 | byte(colour.green) << 8 | byte(colour.blue);
}

std::vector<uint32_t> colour_table() {
  std::vector<uint32_t> table(256);
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = pixel_of(map_colour(static_cast<double>(i) / 255));
  }
  return table;
}

/// One pixel for each column and bin, the lowest bin at the bottom.
SurfacePtr image_of(const Spectrogram& spectrogram, const Axis& scale) {
  static const std::vector<uint32_t> table = colour_table();
  const size_t columns = spectrogram.columns(), bins = spectrogram.bins();
  SurfacePtr image(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(columns),
                                              static_cast<int>(bins)));
  unsigned char* data = cairo_image_surface_get_data(image.get());
  const auto stride = static_cast<size_t>(cairo_image_surface_get_stride(image.get()));
  for (size_t bin = 0; bin < bins; ++bin) {
    auto* row = reinterpret_cast<uint32_t*>(data + (bins - 1 - bin) * stride);
    for (size_t column = 0; column < columns; ++column) {
      const double share = scale.share_of(spectrogram.level_dbfs(column, bin));
      row[column] = table[static_cast<size_t>(std::lround(std::clamp(share, 0.0, 1.0) * 255))];
    }
  }
  cairo_surface_mark_dirty(image.get());
  return image;
}

void clip_to(cairo_t* cairo, const Rectangle& area) {
  cairo_rectangle(cairo, area.x, area.y, area.width, area.height);
  cairo_clip(cairo);
}

void fill(cairo_t* cairo, const Rectangle& area, const Colour& colour) {
  set_colour(cairo, colour);
  cairo_rectangle(cairo, area.x, area.y, area.width, area.height);
  cairo_fill(cairo);
}

/// Lines through the buckets' middles, broken where nothing is known; whether anything was.
bool draw_series(cairo_t* cairo, const Panel& panel, const std::vector<MeasuredBucket>& course,
                 size_t tap, const Series& series) {
  const int number = find_parameter(series.key)->number;
  bool drawn = false, joined = false;
  for (const MeasuredBucket& bucket : course) {
    const auto found = bucket.taps[tap].find(number);
    if (found == bucket.taps[tap].end()) {
      joined = false;
      continue;
    }
    const double x = panel.x_of(bucket.start_s + bucket.seconds / 2);
    const double y =
        panel.y_of(std::clamp(found->second.*series.figure, panel.y.low, panel.y.high));
    if (joined) {
      cairo_line_to(cairo, x, y);
    } else {
      cairo_move_to(cairo, x - 1, y);
      cairo_line_to(cairo, x, y);
    }
    drawn = joined = true;
  }
  set_colour(cairo, series.colour);
  cairo_set_line_width(cairo, series.width);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke(cairo);
  return drawn;
}

}  // namespace

void draw_spectrogram(cairo_t* cairo, const Panel& panel, const Spectrogram& spectrogram,
                      const Axis& scale) {
  const Rectangle& area = panel.area;
  fill(cairo, area, map_colour(0));
  if (spectrogram.columns() == 0) return;
  const SurfacePtr image = image_of(spectrogram, scale);
  const double column = spectrogram.column_s() / (panel.x.high - panel.x.low) * area.width;
  const double bin = area.height / static_cast<double>(spectrogram.bins() - 1);
  cairo_save(cairo);
  clip_to(cairo, area);
  // A column's time and a bin's frequency are the middle of their pixel.
  cairo_translate(cairo, area.x - column / 2, area.y - bin / 2);
  cairo_scale(cairo, column, bin);
  cairo_set_source_surface(cairo, image.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
  cairo_paint(cairo);
  cairo_restore(cairo);
}

void draw_colour_scale(cairo_t* cairo, const Rectangle& area, const Axis& scale) {
  const int steps = static_cast<int>(area.height);
  for (int i = 0; i < steps; ++i) {
    fill(cairo, {area.x, area.bottom() - i - 1, area.width, 1}, map_colour((i + 0.5) / steps));
  }
  const Panel panel{area, {0, 1}, scale};
  draw_frame(cairo, panel);
  for (const Tick& tick : round_ticks(scale, 8)) {
    const double y = panel.y_of(tick.value);
    draw_text(cairo, area.right() + 8, y + 4.5, tick.text, 12.5, plot_colours::kInk);
  }
  draw_upright_text(cairo, area.right() + 62, area.y + area.height / 2, "level (dBFS)", 13);
}

void draw_outline(cairo_t* cairo, const Panel& panel, const WaveOutline& outline, double seconds) {
  const auto& points = outline.points();
  if (points.empty()) return;
  const double per_point = static_cast<double>(points.front().samples);
  double samples = 0;
  for (const WaveOutline::Point& point : points) samples += static_cast<double>(point.samples);
  const double width = std::max(
      1.0, per_point / samples * seconds / (panel.x.high - panel.x.low) * panel.area.width);
  const auto draw = [&](const Colour& colour, auto low_of, auto high_of) {
    set_colour(cairo, colour);
    for (size_t i = 0; i < points.size(); ++i) {
      const double time = static_cast<double>(i) * per_point / samples * seconds;
      const double top = panel.y_of(high_of(points[i])), bottom = panel.y_of(low_of(points[i]));
      cairo_rectangle(cairo, panel.x_of(time), top, width, std::max(0.8, bottom - top));
    }
    cairo_fill(cairo);
  };
  cairo_save(cairo);
  clip_to(cairo, panel.area);
  draw(
      {0.52, 0.66, 0.82}, [](const auto& point) { return point.low; },
      [](const auto& point) { return point.high; });
  if (per_point >= 8) {  // of fewer samples the RMS is no more than their size
    draw(
        plot_colours::kFirst, [](const auto& point) { return -point.rms(); },
        [](const auto& point) { return point.rms(); });
  }
  cairo_restore(cairo);
}

void draw_normal(cairo_t* cairo, const Panel& panel, const char* key) {
  const Range normal = find_parameter(key)->limits.normal;
  const double top = std::min(normal.high, panel.y.high), low = std::max(normal.low, panel.y.low);
  if (top <= low) return;
  fill(cairo, {panel.area.x, panel.y_of(top), panel.area.width, panel.y_of(low) - panel.y_of(top)},
       plot_colours::kNormal);
  draw_text(cairo, panel.area.right() + 3, (panel.y_of(top) + panel.y_of(low)) / 2 + 4, "normal",
            10.5, {0.38, 0.54, 0.38});
}

void draw_course(cairo_t* cairo, const Panel& panel, const std::vector<MeasuredBucket>& course,
                 size_t tap, std::span<const Series> series) {
  cairo_save(cairo);
  clip_to(cairo, panel.area);
  bool any = false;
  for (const Series& one : series) any |= draw_series(cairo, panel, course, tap, one);
  cairo_restore(cairo);
  if (any) return;
  draw_text(cairo, panel.area.x + panel.area.width / 2, panel.area.y + panel.area.height / 2 + 5,
            "not known", 14, plot_colours::kFaint, Align::kCentre);
}

void draw_names(cairo_t* cairo, const Panel& panel, const std::vector<MeasuredBucket>& course,
                size_t tap, std::span<const Series> series) {
  double x = panel.area.right();
  const double y = panel.area.y - 8;
  for (size_t i = series.size(); i-- > 0;) {
    const int number = find_parameter(series[i].key)->number;
    if (std::ranges::none_of(course, [&](const auto& b) { return b.taps[tap].contains(number); })) {
      continue;
    }
    x -= draw_text(cairo, x, y, series[i].name, 12, plot_colours::kInk, Align::kRight) + 6;
    set_colour(cairo, series[i].colour);
    cairo_set_line_width(cairo, series[i].width + 0.5);
    cairo_move_to(cairo, x - 20, y - 4);
    cairo_line_to(cairo, x, y - 4);
    cairo_stroke(cairo);
    x -= 36;
  }
}

}  // namespace dragoman
