// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace dragoman {

/// `dragoman serve [--config FILE] …`
int serve_command(int argc, char** argv);

}  // namespace dragoman
