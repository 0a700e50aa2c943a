// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose files they are: root may run our commands, and the service must be able to go on with what
// they leave.
#pragma once

#include <string>

namespace dragoman {

/// If this process is root's and `folder` is another user's, it goes on as that user, with his
/// group, groups and home (HOME; none if he has no name). Before there are other threads. Throws
/// std::runtime_error.
void become_owner_of(const std::string& folder);

/// As root: `path`, and all that is in it, gets the owner and the group of `like`, or, if that is
/// not there, of the folder that it would be in. Does nothing as another user. False, with errno,
/// if the file system does not let it.
bool give_to_owner_of(const std::string& like, const std::string& path);

}  // namespace dragoman
