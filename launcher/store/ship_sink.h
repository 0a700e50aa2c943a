// SPDX-License-Identifier: LGPL-2.1-or-later
// The PostgreSQL database as the shipper fills it.
#pragma once

#include <string>

#include "launcher/store/pg_connection.h"
#include "launcher/store/ship_source.h"
#include "launcher/store/ship_table.h"

namespace dragoman {

/// What an operator is told of `error` at `target`: what is wrong, and the cure.
std::string trouble(const PgTarget& target, const PgError& error);

/// What ship() did with a batch.
struct ShipResult {
  size_t shipped = 0;
  size_t refused = 0;   ///< left out: PostgreSQL would never take them
  std::string refusal;  ///< why, of the first
};

/// A connection to a database whose schema is up to date. Fails as PgConnection does.
class ShipSink {
 public:
  /// Connects and migrates. Throws SchemaTooNew besides.
  ShipSink(const PgTarget& target, const PgTimeouts& timeouts, int stop_fd);

  const std::string& identity() const { return identity_; }  ///< of the database
  /// How far the database itself says that the journal `origin` has been shipped.
  int64_t mark(const std::string& origin, const ShipTable& table);
  /// Ships all rows of a batch (COPY into a temporary table, then merged; into the table itself
  /// while all are new) and the mark with them in one transaction. If some are refused for what
  /// they hold, those are found by halving and left out; if that is
  /// every one of many, it is the table's fault and a failure.
  ShipResult ship(const std::string& origin, const ShipTable& table, const ShipBatch& batch);

 private:
  void ship_rows(const std::string& origin, const ShipTable& table, const ShipBatch& batch,
                 size_t first, size_t last, ShipResult& result);
  void transact(const std::string& origin, const ShipTable& table, std::string_view rows,
                int64_t seq);

  PgConnection connection_;
  std::string identity_;
};

}  // namespace dragoman
