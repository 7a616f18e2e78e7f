// contact_sheet.hpp: crops to squares with the library's own resizing.
#include "output/contact_sheet.hpp"

#include <algorithm>
#include <cvt/extra/decode.hpp>
#include <cvt/image.hpp>

#include "common/failure.hpp"
#include "common/heat_map/png.hpp"

namespace app {
namespace {

constexpr int side = 192, gap = 8, max_columns = 6;
constexpr std::uint8_t paper = 255, unread = 200;

cvt::preprocessing thumbnail() {
    cvt::preprocessing p;
    p.short_side = p.crop_height = p.crop_width = side;
    p.normalize = false;
    p.rescale_factor = 1;
    return p;
}

}  // namespace

void draw_contact_sheet(const options& o, const std::vector<std::string>& photos, const std::string& path) {
    const int columns = std::min(max_columns, static_cast<int>(photos.size()));
    const int rows = (static_cast<int>(photos.size()) + columns - 1) / columns;
    const int width = columns * (side + gap) + gap, height = rows * (side + gap) + gap;
    std::vector<std::uint8_t> sheet(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, paper);
    cvt::image_preprocessor preprocessor{thumbnail()};
    std::vector<float> values(std::size_t{3} * side * side);
    const cvt::view<float, 3> square{values.data(), 3, side, side};
    for (int i = 0; i < static_cast<int>(photos.size()); ++i) {
        std::fill(values.begin(), values.end(), static_cast<float>(unread));
        const cvt::result<cvt::image> photo =
            cvt::read_image(photos[static_cast<std::size_t>(i)].c_str(), o.orient.value_or(cvt::orientation::exif));
        if (photo && preprocessor.plan(photo->width, photo->height)) static_cast<void>(preprocessor.run(photo->view(), square));
        const int left = gap + i % columns * (side + gap), top = gap + i / columns * (side + gap);
        for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x)
                for (int c = 0; c < 3; ++c)
                    sheet[static_cast<std::size_t>(((top + y) * width + left + x) * 3 + c)] = static_cast<std::uint8_t>(square(c, y, x));
    }
    if (const cvt::error e = heat_map::write_png(path, sheet, width, height))
        throw failure{some_failed, std::string{"--sheet: "} + e.what()};
}

}  // namespace app
