// The stage maps of the features example: the same numbers as from a session, in .npy files.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/npy.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"

TEST_CASE("features writes the maps of every stage and photo into a new folder") {
    const cvt_test::temporary_folder folder;
    const std::string command = "\"" CVT_FEATURES "\" \"" CVT_IMAGES "\" \"" + (folder / "new/maps") + "\" > /dev/null";
    REQUIRE(std::system(command.c_str()) == 0);

    const auto model = cvt::model::load(CVT_WEIGHTS);
    REQUIRE(model);  // for its widths, and the grids for 80 pixels
    const std::size_t dims[]{32, 96, 192}, sides[]{40, 20, 10};
    for (const std::string name : {"golf_ball.png", "berlin_cathedral.jpg"}) {
        const auto photo = cvt::read_image((CVT_IMAGES "/" + name).c_str(), cvt::orientation::exif);
        REQUIRE(photo);
        const cvt::image_view view = photo->view();
        cvt::session session{*model};
        for (std::size_t i = 0; i < 3; ++i) {
            CAPTURE(name, i);
            std::vector<float> expected(dims[i] * sides[i] * sides[i]);
            cvt::outputs out;
            out.stages[i] = expected;
            REQUIRE_FALSE(session.run(std::span{&view, 1}, out));
            const auto map = cvt::read_npy((folder / ("new/maps/" + name + ".stage" + std::to_string(i) + ".npy")).c_str());
            REQUIRE(map);
            CHECK(std::vector<std::size_t>{map->shape.begin(), map->shape.end()} == std::vector{dims[i], sides[i], sides[i]});
            REQUIRE(map->values.size() == expected.size());
            CHECK(std::memcmp(map->values.data(), expected.data(), expected.size() * sizeof(float)) == 0);
        }
    }
}
