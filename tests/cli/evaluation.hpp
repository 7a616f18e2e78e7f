// Shared by the tests of --evaluate: makes small data sets from the photos of examples/images.
#pragma once

#include "classify.hpp"

namespace cvt_test {

inline const std::string church = CVT_IMAGES "/berlin_cathedral.jpg", golf_ball = CVT_IMAGES "/golf_ball.png";

inline void put(const temporary_folder& folder, const std::string& class_folder, const std::string& photo, const std::string& name) {
    std::filesystem::create_directories(folder / class_folder);
    std::filesystem::copy_file(photo, folder / (class_folder + "/" + name));
}

inline void refused(const std::vector<std::string>& arguments, const std::string& sentence) {
    const outcome o = classify(arguments);
    INFO(sentence << "\n" << o.err);
    CHECK(o.code == 2);
    CHECK(o.out.empty());
    CHECK(lines_of(o.err).size() == 1);
    CHECK(o.err.find(sentence) != std::string::npos);
}

inline json report_of(std::vector<std::string> arguments, int code = 0) {
    arguments.insert(arguments.end(), {"--format", "jsonl"});
    const outcome o = classify(arguments);
    INFO(o.err);
    CHECK(o.code == code);
    REQUIRE(o.records().size() == 1);
    return o.records()[0];
}

}  // namespace cvt_test
