// contact_sheet: one picture with the photos of --similar or --learn, in rows from left to right.
#pragma once

#include <string>
#include <vector>

#include "options.hpp"

namespace app {

/// Draws the photos as squares, in the order of the report, and writes a PNG file. A photo that cannot be read stays grey. Throws failure
/// (some_failed) if the file cannot be written.
void draw_contact_sheet(const options& o, const std::vector<std::string>& photos, const std::string& path);

}  // namespace app
