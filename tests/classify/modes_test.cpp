// modes/: the label lists and counts of an evaluation.
#include <catch2/catch.hpp>
#include <fstream>

#include "common/failure.hpp"
#include "modes/evaluation_report.hpp"
#include "modes/label_list.hpp"
#include "support/temporary_folder.hpp"

namespace {

app::record answer(std::vector<int> classes) {
    app::record r;
    for (const int c : classes) r.top.push_back({c, 0.5F});
    return r;
}

}  // namespace

TEST_CASE("a tally counts first and further answers by class, and confusions", "[modes]") {
    app::tally t{3};
    t.add(0, answer({0, 1, 2}));
    t.add(1, answer({2, 1, 0}));
    t.add(1, answer({2, 0}));
    app::record failed;
    failed.path = "x";
    failed.error = cvt::error::format(cvt::errc::io, "gone");
    t.add(2, failed);
    CHECK(t.all.images == 3);
    CHECK(t.all.top1 == 1);
    CHECK(t.all.top5 == 2);
    CHECK(t.of_class[1].images == 2);
    CHECK(t.of_class[2].images == 0);
    CHECK(t.confusions.at({1, 2}) == 2);
    REQUIRE(t.failures.size() == 1);
    CHECK(t.failures[0].path == "x");
}

TEST_CASE("a list of labels is read as text, CSV or Tiny ImageNet's annotations", "[modes]") {
    const cvt_test::temporary_folder folder;
    const auto read = [&](const std::string& name, const std::string& text) {
        std::ofstream{folder / name} << text;
        return app::read_label_list(folder / name);
    };
    const app::label_list text = read("list.txt", "a b.jpg\ttabby cat\nc.jpg 7\n");
    REQUIRE(text.entries.size() == 2);
    CHECK(text.entries[0].photo == "a b.jpg");
    CHECK(text.entries[0].label == "tabby cat");
    CHECK(text.entries[1].label == "7");
    const app::label_list csv = read("val.csv", "ImageId,PredictionString\nILSVRC2012_val_1,n01751748 111 108 249 334\n");
    CHECK(csv.type == app::label_list::format::csv);
    CHECK(csv.entries.at(0).label == "n01751748");
    const app::label_list boxes = read("val_annotations.txt", "val_0.JPEG\tn03444034\t0\t32\t44\t62\n");
    CHECK(boxes.type == app::label_list::format::annotations);
    CHECK(boxes.entries.at(0).photo == "val_0.JPEG");
    CHECK_THROWS_AS(read("empty.txt", ""), app::failure);
}
