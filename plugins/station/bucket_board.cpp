// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/bucket_board.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

namespace {

struct PacketIndices {
  size_t received = BucketBoard::index_of("packets_received"),
         lost = BucketBoard::index_of("packets_lost"),
         loss = BucketBoard::index_of("packet_loss_pct");
};

const PacketIndices& packets() {
  static const PacketIndices found;
  return found;
}

}  // namespace

double average_of(const Parameter& parameter, const Aggregate& aggregate) {
  switch (parameter.mean) {
    case ParameterMean::kPower:
      return aggregate.avg_level();
    case ParameterMean::kMedian:
      return aggregate.median;
    case ParameterMean::kGreatest:
      return aggregate.max;
    default:
      return aggregate.avg();
  }
}

BucketBoard::BucketBoard() : aggregates_(parameters().size()), wanted_(parameters().size(), true) {
  for (size_t i = 0; i < parameters().size(); ++i) {
    if (parameters()[i].mean == ParameterMean::kMedian) medians_.emplace(i, Median());
  }
}

bool BucketBoard::wants_any(std::initializer_list<const char*> keys) const {
  return std::ranges::any_of(keys, [this](const char* key) { return wants(index_of(key)); });
}

void BucketBoard::reset() {
  clear();
  bucket_utc_.reset();
}

size_t BucketBoard::index_of(std::string_view key) {
  const Parameter* parameter = find_parameter(key);
  return parameter ? static_cast<size_t>(parameter - parameters().data()) : parameters().size();
}

ReadingResult BucketBoard::add(std::string_view key, double value) {
  const size_t index = index_of(key);
  if (index == parameters().size()) return ReadingResult::kUnknownKey;
  if (!std::isfinite(value)) return ReadingResult::kBadValue;
  add(index, value);
  return ReadingResult::kTaken;
}

void BucketBoard::add(size_t index, double value, double share) {
  if (!std::isfinite(value)) return;
  if (index == packets().received || index == packets().lost) {
    (index == packets().lost ? lost_ : received_) += value;
    unreported_ = unreported_ || wanted_[packets().loss];
  }
  if (!wanted_[index]) return;
  const Parameter& parameter = parameters()[index];
  Aggregate& aggregate = aggregates_[index];
  if (parameter.kind == ParameterKind::kCounted) {
    aggregate.count_up(value);
  } else if (parameter.mean == ParameterMean::kPower) {
    aggregate.add_level(value, share);
  } else {
    aggregate.add(value, share);
    if (parameter.mean == ParameterMean::kMedian) medians_.at(index).add(value);
  }
  unreported_ = true;
}

void BucketBoard::measured(const StreamStretch& at, uint64_t duration_ns) {
  if (!stretch_) stretch_ = at;
  if (at.running_time != UINT64_MAX && at.running_time >= stretch_->running_time) {
    stretch_->duration = at.running_time - stretch_->running_time + duration_ns;
  } else {
    stretch_->duration += duration_ns;
  }
  measured_ns_ += duration_ns;
}

std::optional<Bucket> BucketBoard::snapshot(uint64_t fallback_utc) {
  if (!unreported_) return std::nullopt;
  unreported_ = false;
  for (const auto& [index, median] : medians_) aggregates_[index].median = median.value();
  add_loss();
  return Bucket{.start_utc = bucket_utc_.value_or(fallback_utc),
                .measured_ns = measured_ns_,
                .stretch = stretch_.value_or(StreamStretch{}),
                .aggregates = aggregates_};
}

/// Of the packets that the bucket's sequence numbers promise, those that did not come. A late one
/// of the bucket before may make the difference negative.
void BucketBoard::add_loss() {
  if (!wanted_[packets().loss] || !(received_ + lost_ > 0)) return;
  Aggregate& loss = aggregates_[packets().loss];
  loss = {};
  loss.add(100 * std::max(0.0, lost_) / (received_ + lost_));
}

void BucketBoard::clear() {
  received_ = lost_ = 0;
  for (auto& [index, median] : medians_) median.clear();
  std::ranges::fill(aggregates_, Aggregate{});
  unreported_ = false;
  measured_ns_ = 0;
  stretch_.reset();
}

}  // namespace dragoman
