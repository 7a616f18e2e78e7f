// What systems leave among photos: no input unless somebody names it.
#pragma once

#include <string_view>

namespace app {

/// Whether an entry of a folder is litter: names that begin with a dot (.DS_Store, AppleDouble's ._photo.jpg), __MACOSX, @eaDir and
/// Thumbs.db, in any case.
bool is_litter(std::string_view name);

/// Whether a member of an archive is litter, by its own name or by a folder called __MACOSX or @eaDir. Other folders may begin with a
/// dot: whoever packed ~/.cache/photos meant them.
bool is_litter_member(std::string_view path);

}  // namespace app
