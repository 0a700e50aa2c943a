// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/plot.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "launcher/measure/figures_output.h"
#include "launcher/measure/plot_panels.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using namespace plot_layout;
using SurfacePtr = std::unique_ptr<cairo_surface_t, Deleter<cairo_surface_destroy>>;
using CairoPtr = std::unique_ptr<cairo_t, Deleter<cairo_destroy>>;

constexpr double kScaleSpanDb = 75;
constexpr Series kLevels[] = {
    {"peak", "peak_dbfs", {0.60, 0.72, 0.86}, 1.2, &Figures::max},
    {"noise floor", "noise_floor_dbfs", plot_colours::kThird, 1.4, &Figures::figure},
    {"RMS level", "audio_level_dbfs", plot_colours::kFirst, 1.8, &Figures::figure}};
constexpr Series kSnr[] = {{"SNR", "snr_db", plot_colours::kSecond, 1.8, &Figures::figure}};

/// The scales that all recordings of a picture share.
struct Scales {
  Axis time, wave, frequency, colour, level{-90, 0}, snr{0, 60};
};

Scales scales_of(const Measurement& measurement, const std::vector<SoundView>& views) {
  double loudest = Spectrogram::kFloorDbfs, reach = 0;
  for (const SoundView& view : views) {
    loudest = std::max(loudest, view.spectrogram().peak_dbfs());
    for (const WaveOutline::Point& point : view.outline().points()) {
      reach = std::max({reach, double{point.high}, double{-point.low}});
    }
  }
  const double top = std::clamp(5 * std::ceil(loudest / 5), -60.0, 10.0);
  const double wave = reach > 0.5 ? 1 : reach > 0.2 ? 0.5 : reach > 0.1 ? 0.2 : 0.1;
  const double nyquist_khz = measurement.files[0].format.rate / 2000.0;
  return {{0, measurement.seconds}, {-wave, wave}, {0, nyquist_khz}, {top - kScaleSpanDb, top}};
}

/// One recording's column of panels.
class Column {
 public:
  Column(cairo_t* cairo, const Scales& scales, double x, double width, bool first)
      : cairo_(cairo),
        first_(first),
        time_(time_ticks(scales.time, static_cast<size_t>(width / 75))),
        wave_{{x, kTop, width, kWaveHeight}, scales.time, scales.wave},
        spectrum_{{x, kSpectrogramTop, width, kSpectrogramHeight}, scales.time, scales.frequency},
        level_{{x, kLevelTop, width, kLevelHeight}, scales.time, scales.level},
        snr_{{x, kSnrTop, width, kSnrHeight}, scales.time, scales.snr} {}

  void draw(const Measurement& measurement, const SoundView& view, const Scales& scales,
            size_t tap) {
    draw_title(measurement, tap);
    draw_paper();
    draw_outline(cairo_, wave_, view.outline(), measurement.seconds);
    draw_spectrogram(cairo_, spectrum_, view.spectrogram(), scales.colour);
    draw_course(cairo_, level_, measurement.course, tap, kLevels);
    draw_names(cairo_, level_, measurement.course, tap, kLevels);
    draw_course(cairo_, snr_, measurement.speech_course, tap, kSnr);
    for (const Panel& panel : {wave_, spectrum_, level_, snr_}) draw_frame(cairo_, panel);
    draw_labels();
    const Rectangle& area = snr_.area;
    draw_numbers(cairo_, {area.x, kNumbersTop, area.width, 0}, measurement.whole, tap);
  }

 private:
  void draw_title(const Measurement& measurement, size_t tap) {
    const MeasuredFile& file = measurement.files[tap];
    const std::string name = fs::path(file.path).filename().string();
    const bool two = measurement.files.size() > 1;
    double x = wave_.area.x;
    if (two) {
      x += 12 + draw_text(cairo_, x, 50, file.tap, 22, plot_colours::kSecond, Align::kLeft,
                          Weight::kBold);
    }
    draw_text(cairo_, x, 50, name, 22, plot_colours::kInk, Align::kLeft, Weight::kBold,
              wave_.area.right() - x);
    std::string about = describe(file).substr(file.path.size() + 2);
    if (tap > 0) about += " · " + delay_text(measurement);
    draw_text(cairo_, wave_.area.x, 76, about, 14, plot_colours::kFaint);
  }

  void draw_paper() {
    draw_normal(cairo_, level_, "audio_level_dbfs");
    draw_normal(cairo_, snr_, "snr_db");
    draw_grid(cairo_, wave_, time_, wave_ticks());
    draw_grid(cairo_, level_, time_, round_ticks(level_.y, 6));
    draw_grid(cairo_, snr_, time_, round_ticks(snr_.y, 4));
  }

  std::vector<Tick> wave_ticks() const { return round_ticks(wave_.y, 4); }

  void draw_labels() {
    draw_x_labels(cairo_, snr_, time_);
    draw_text(cairo_, snr_.area.x + snr_.area.width / 2, snr_.area.bottom() + 40, time_unit(snr_.x),
              13, plot_colours::kInk, Align::kCentre);
    if (!first_) return;
    draw_y_labels(cairo_, wave_, wave_ticks());
    draw_y_labels(cairo_, spectrum_, round_ticks(spectrum_.y, 8));
    draw_y_labels(cairo_, level_, round_ticks(level_.y, 6));
    draw_y_labels(cairo_, snr_, round_ticks(snr_.y, 4));
    const auto name = [this](const Panel& panel, const char* text) {
      draw_upright_text(cairo_, panel.area.x - 62, panel.area.y + panel.area.height / 2, text, 13);
    };
    name(wave_, "amplitude");
    name(spectrum_, "frequency (kHz)");
    name(level_, "level (dBFS)");
    name(snr_, "SNR (dB)");
  }

  cairo_t* cairo_;
  bool first_;
  std::vector<Tick> time_;
  Panel wave_, spectrum_, level_, snr_;
};

void save(cairo_surface_t* surface, const std::string& path) {
  const cairo_status_t status = cairo_surface_write_to_png(surface, path.c_str());
  if (status == CAIRO_STATUS_SUCCESS) return;
  throw std::runtime_error("cannot write '" + path + "': " + cairo_status_to_string(status) +
                           "; is there space left?");
}

}  // namespace

SoundView::SoundView(const RecordingFormat& format) : format_(format), spectrogram_(format.rate) {}

void SoundView::add(std::span<const uint8_t> samples) {
  static_assert(std::endian::native == std::endian::little, "samples come as they lie in memory");
  mono_.assign(samples.size() / format_.frame_bytes(), 0);
  const float share = 1.0f / static_cast<float>(format_.channels);
  const auto mix = [&](auto zero, float full_scale) {
    for (size_t i = 0; i < mono_.size() * format_.channels; ++i) {
      auto sample = zero;
      std::memcpy(&sample, samples.data() + i * sizeof sample, sizeof sample);
      const auto value = static_cast<float>(sample);
      if (std::isfinite(value)) mono_[i / format_.channels] += value / full_scale * share;
    }
  };
  if (format_.sample == GST_AUDIO_FORMAT_S16LE) {
    mix(int16_t{0}, 32768.0f);
  } else {
    mix(0.0f, 1.0f);
  }
  outline_.add(mono_);
  spectrogram_.add(mono_);
}

std::string unwritable_reason(const std::string& path) {
  std::error_code error;
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : ".";
  if (fs::is_directory(path, error)) return "'" + path + "' is a folder: name a file in it";
  if (!fs::is_directory(folder, error)) {
    return "there is no folder '" + folder.string() + "' for the picture: make it first";
  }
  const bool exists = fs::exists(path, error);
  if (::access(exists ? path.c_str() : folder.c_str(), W_OK) != 0) {
    return "cannot write '" + path + "': " + std::strerror(errno) +
           "; name a file in a folder that can be written";
  }
  return {};
}

void write_plot(const std::string& path, const Measurement& measurement,
                const std::vector<SoundView>& views) {
  const bool two = views.size() > 1;
  const double width = two ? kTwoWidth : kOneWidth;
  const double right = kLeft + width + (two ? kBetween + width : 0);
  SurfacePtr surface(cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, static_cast<int>(right + kLegend), static_cast<int>(kHeight)));
  CairoPtr cairo(cairo_create(surface.get()));
  set_colour(cairo.get(), plot_colours::kPaper);
  cairo_paint(cairo.get());
  const Scales scales = scales_of(measurement, views);
  for (size_t i = 0; i < views.size(); ++i) {
    const double x = kLeft + static_cast<double>(i) * (width + kBetween);
    Column(cairo.get(), scales, x, width, i == 0).draw(measurement, views[i], scales, i);
  }
  draw_colour_scale(cairo.get(), {right + 18, kSpectrogramTop, 18, kSpectrogramHeight},
                    scales.colour);
  save(surface.get(), path);
}

}  // namespace dragoman
