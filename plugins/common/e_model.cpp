// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/e_model.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

double power_of(double db) { return std::pow(10, db / 10); }

/// (1 + x^n)^(1/n): 1 for small x, x for great ones.
double knee(double x, double n) { return std::pow(1 + std::pow(x, n), 1 / n); }

double square(double x) { return x * x; }

/// No: all noise, dBm0p (7-3 to 7-7).
double noise(const EModelInput& in) {
  const double olr = in.slr_db + in.rlr_db;
  const double send_room =
      in.ps_dba - in.slr_db - in.ds_db - 100 + 0.004 * square(in.ps_dba - olr - in.ds_db - 14);
  const double lstr = in.stmr_db + in.dr_db;
  const double through_sidetone = in.pr_dba + 10 * std::log10(1 + power_of(10 - lstr));
  const double receive_room =
      in.rlr_db - 121 + through_sidetone + 0.008 * square(through_sidetone - 35);
  const double floor = in.nfor_dbmp + in.rlr_db;
  return 10 * std::log10(power_of(in.nc_dbm0p) + power_of(send_room) + power_of(receive_room) +
                         power_of(floor));
}

/// Ist: sidetone that is not optimal (7-11, 7-12).
double sidetone(const EModelInput& in) {
  const double stmr =
      -10 * std::log10(power_of(-in.stmr_db) + std::exp(-in.t_ms / 4) * power_of(-in.telr_db));
  return 12 * knee((stmr - 13) / 6, 8) - 28 * knee((stmr + 1) / 19.4, 35) -
         13 * knee((stmr - 3) / 33, 13) + 29;
}

/// Is (7-8): too loud a connection, sidetone, quantization.
double simultaneous(const EModelInput& in, double no, double ro, double ist) {
  const double olr = in.slr_db + in.rlr_db;
  const double x = (olr + 0.2 * (64 + no - in.rlr_db)) / 8;
  const double too_loud = 20 * (knee(x, 8) - x);
  const double q = 37 - 15 * std::log10(in.qdu);
  const double g = 1.07 + 0.258 * q + 0.0602 * q * q;
  const double y = (ro - 100) / 15 + 46 / 8.4 - g / 9;
  const double z = 46.0 / 30 - g / 40;
  const double quantization = 15 * std::log10(1 + std::pow(10, y) + std::pow(10, z));
  return too_loud + ist + quantization;
}

/// Idte (7-19 to 7-24).
double talker_echo(const EModelInput& in, double no, double ist) {
  double terv = in.telr_db - 40 * std::log10((1 + in.t_ms / 10) / (1 + in.t_ms / 150)) +
                6 * std::exp(-0.3 * square(in.t_ms));
  if (in.stmr_db < 9) terv += ist / 2;
  const double half = (-1.5 * (no - in.rlr_db) - (80 + 2.5 * (terv - 14))) / 2;
  const double echo = (half + std::sqrt(square(half) + 100) - 1) * (1 - std::exp(-in.t_ms));
  return in.stmr_db > 20 ? std::hypot(echo, ist) : echo;
}

/// Idle (7-25, 7-26).
double listener_echo(const EModelInput& in, double ro) {
  const double half = (ro - 10.5 * (in.wepl_db + 7) * std::pow(in.tr_ms + 1, -0.25)) / 2;
  return half + std::sqrt(square(half) + 169);
}

/// Idd (7-27, 7-28).
double absolute_delay(const EModelInput& in) {
  if (in.ta_ms <= in.min_delay_ms) return 0;
  const double x = std::log2(in.ta_ms / in.min_delay_ms);
  const double n = 6 * in.delay_sens;
  return 25 * (knee(x, n) - 3 * knee(x / 3, n) + 2);
}

/// Ie-eff (7-29).
double equipment(const EModelInput& in) {
  if (!(in.ppl_pct > 0)) return in.ie;
  const double loss = std::min(in.ppl_pct, 100.0);
  return in.ie + (95 - in.ie) * loss / (loss / in.burst_ratio + in.bpl);
}

}  // namespace

EModelRating rate_connection(const EModelInput& input) {
  const double no = noise(input);
  const double ist = sidetone(input);
  EModelRating rating;
  rating.ro = 15 - 1.5 * (input.slr_db + no);
  rating.is = simultaneous(input, no, rating.ro, ist);
  rating.id = talker_echo(input, no, ist) + listener_echo(input, rating.ro) + absolute_delay(input);
  rating.ie_eff = equipment(input);
  rating.r = rating.ro - rating.is - rating.id - rating.ie_eff + input.advantage;
  return rating;
}

double mos_of(double r) {
  if (r >= 100) return 4.5;
  if (r <= 0) return 1;
  return std::max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

}  // namespace dragoman
