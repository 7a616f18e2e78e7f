// --attention: a picture per record, with a name of its own, drawn where the model looked.
#include <cvt/extra/decode.hpp>
#include <fstream>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

struct picture_file {
    int width = 0, height = 0;
    std::vector<std::uint8_t> pixels;

    [[nodiscard]] std::vector<std::uint8_t> pixel(int x, int y) const {
        const auto at = pixels.begin() + 3 * (y * width + x);
        return {at, at + 3};
    }
};

picture_file load(const std::string& path, cvt::orientation turn = cvt::orientation::exif) {
    const auto image = cvt::read_image(path.c_str(), turn);
    INFO(path);
    REQUIRE(image);
    return {image->width, image->height, {image->pixels.begin(), image->pixels.end()}};
}

bool grey(const std::vector<std::uint8_t>& p) {
    return std::max({p[0], p[1], p[2]}) - std::min({p[0], p[1], p[2]}) < 64 && std::max({p[0], p[1], p[2]}) < 100;
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

TEST_CASE("--attention draws a picture of the photo's size and reports its path", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_jpeg(folder / "a.jpg", 130, 90, 5), maps = folder / "new/maps";
    const outcome o = classify({"--format", "jsonl", "--attention", maps, a, folder / "missing.png"});
    CHECK(o.code == 1);
    REQUIRE(o.records().size() == 2);
    CHECK(o.records()[0]["attention"] == maps + "/a.attention.png");
    CHECK_FALSE(o.records()[1].contains("attention"));
    CHECK(names_in(maps) == std::vector<std::string>{"a.attention.png"});
    const picture_file picture = load(maps + "/a.attention.png");
    CHECK(picture.width == 130);
    CHECK(picture.height == 90);
    CHECK(picture.pixels != load(a).pixels);

    const outcome text = classify({"--attention", maps, a});
    CHECK(lines_of(text.out).back() == "  attention: " + maps + "/a.attention.png");
    const outcome csv = classify({"--format", "csv", "--top-k", "1", "--attention", maps, a, folder / "missing.png"});
    CHECK(lines_of(csv.out)[0].ends_with(",probability1,attention"));
    CHECK(lines_of(csv.out)[1].ends_with("," + maps + "/a.attention.png"));
    CHECK(lines_of(csv.out)[2].ends_with(",,,,"));
}

TEST_CASE("pictures do not change other outputs, and do not depend on the batch", "[cli]") {
    const temporary_folder folder;
    std::vector<std::string> photos;
    for (int i = 0; i < 3; ++i) photos.push_back(write_png(folder / (std::to_string(i) + ".png"), 50 + 11 * i, 60, i + 1));
    photos.insert(photos.begin() + 1, folder / "missing.png");
    const auto run = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--format", "csv"});
        arguments.insert(arguments.end(), photos.begin(), photos.end());
        const outcome o = classify(arguments);
        CHECK(o.code == 1);
    };
    run({"--logits", folder / "without.npy"});
    run({"--logits", folder / "one.npy", "--attention", folder / "one"});
    run({"--logits", folder / "all.npy", "--attention", folder / "all", "--batch", "4", "--threads", "2"});
    CHECK(read_file(folder / "one.npy") == read_file(folder / "without.npy"));
    CHECK(read_file(folder / "all.npy") == read_file(folder / "without.npy"));
    for (const char* name : {"0", "1", "2"}) {
        const std::string one = read_file(folder / "one/" + name + ".attention.png");
        CHECK_FALSE(one.empty());
        CHECK(read_file(folder / "all/" + name + ".attention.png") == one);
    }
}

TEST_CASE("photos with the same name in several folders get a picture each", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directories(folder / "x");
    std::filesystem::create_directories(folder / "y");
    const std::string a = write_png(folder / "x/a.png", 40, 40, 1), b = write_png(folder / "y/a.png", 50, 40, 2),
                      c = write_jpeg(folder / "a.jpg", 60, 40, 3), d = write_png(folder / "a-2.png", 70, 40, 4);
    const outcome o = classify({"--format", "jsonl", "--attention", folder / "maps", a, b, c, d});
    CHECK(o.code == 0);
    std::vector<std::string> said;
    for (const json& r : o.records()) said.push_back(r["attention"]);
    CHECK(said == std::vector<std::string>{folder / "maps/a.attention.png", folder / "maps/a-2.attention.png",
                                           folder / "maps/a-3.attention.png", folder / "maps/a-2-2.attention.png"});
    for (std::size_t i = 0; i < said.size(); ++i) CHECK(load(said[i]).width == 40 + 10 * static_cast<int>(i));
    CHECK(classify({"--attention", folder / "maps", a}).code == 0);  // another run replaces its pictures
}

TEST_CASE("shards draw into one folder without replacing each other's pictures", "[cli]") {
    const temporary_folder folder;
    std::vector<std::string> photos;
    for (int i = 0; i < 12; ++i) {
        const std::string part = folder / std::to_string(i);
        std::filesystem::create_directories(part);
        photos.push_back(write_png(part + "/a.png", 40 + i));
    }
    std::size_t said = 0;
    for (const std::string part : {"0/2", "1/2"}) {
        std::vector<std::string> arguments{"--size", "32", "--format", "jsonl", "--shard", part, "--attention", folder / "maps"};
        arguments.insert(arguments.end(), photos.begin(), photos.end());
        for (const json& r : classify(arguments).records()) {
            const std::string name = r["attention"], path = r["path"];
            CHECK(name.starts_with(folder / "maps/a-" + part[0] + "-of-2"));
            CHECK(load(name).width == load(path).width);
            ++said;
        }
    }
    CHECK(said == photos.size());
    CHECK(names_in(folder / "maps").size() == photos.size());
}

TEST_CASE("what the model did not see is dark and grey", "[cli]") {
    const temporary_folder folder;
    const std::string wide = folder / "wide.png";
    const std::vector<unsigned char> red_and_white = [] {
        std::vector<unsigned char> pixels(300 * 100 * 3, 255);
        for (std::size_t i = 0; i < pixels.size(); i += 3) pixels[i + 1] = pixels[i + 2] = 120;
        return pixels;
    }();
    REQUIRE(stbi_write_png(wide.c_str(), 300, 100, 3, red_and_white.data(), 900) != 0);
    // short side to 182, centre crop 160 x 160: of 300 x 100 pixels the columns 106 to 194 and rows 6 to 94
    std::ofstream{folder / "official.json"} << R"({"size": 160})";
    REQUIRE(classify({"--preprocessor", folder / "official.json", "--attention", folder / "crop", wide}).code == 0);
    const picture_file crop = load(folder / "crop/wide.attention.png");
    for (const auto& [x, y] :
         {std::pair{0, 50}, std::pair{105, 50}, std::pair{195, 50}, std::pair{299, 99}, std::pair{150, 4}, std::pair{150, 95}})
        CHECK(grey(crop.pixel(x, y)));
    for (const auto& [x, y] : {std::pair{107, 50}, std::pair{192, 50}, std::pair{150, 8}, std::pair{150, 92}})
        CHECK_FALSE(grey(crop.pixel(x, y)));
    REQUIRE(classify({"--resize", "warp", "--attention", folder / "warp", wide}).code == 0);
    const picture_file warp = load(folder / "warp/wide.attention.png");
    for (const auto& [x, y] : {std::pair{0, 0}, std::pair{299, 99}}) CHECK_FALSE(grey(warp.pixel(x, y)));
}

TEST_CASE("pictures follow --orient", "[cli]") {
    const temporary_folder folder;
    const std::string photo = CVT_TEST_DATA "/preprocessing/exif6.png";
    for (const auto& [option, turn] : {std::pair{"exif", cvt::orientation::exif}, std::pair{"ignore", cvt::orientation::ignore}}) {
        REQUIRE(classify({"--orient", option, "--attention", folder / option, photo}).code == 0);
        const picture_file picture = load(folder / option + "/exif6.attention.png"), original = load(photo, turn);
        CHECK(picture.width == original.width);
        CHECK(picture.height == original.height);
    }
}

TEST_CASE("a picture that cannot be written is an error of its image; a folder is checked before the run", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), b = write_png(folder / "b.png");
    std::filesystem::create_directories(folder / "maps/a.attention.png");
    const outcome o = classify({"--format", "jsonl", "--attention", folder / "maps", "--logits", folder / "l.npy", a, b});
    CHECK(o.code == 1);
    REQUIRE(o.records().size() == 2);
    CHECK(o.records()[0]["error"]["code"] == "io");
    CHECK(o.records()[0]["error"]["message"].get<std::string>().find("a.attention.png cannot be written: ") != std::string::npos);
    CHECK(o.records()[1]["attention"] == folder / "maps/b.attention.png");
    CHECK(names_in(folder / "maps") == std::vector<std::string>{"a.attention.png", "b.attention.png"});

    for (const std::string& target : {a, a + "/below", std::string{"/proc/maps"}}) {
        const outcome refused = classify({"--format", "jsonl", "--attention", target, b});
        INFO(refused.err);
        CHECK(refused.code == 2);
        CHECK(refused.out.empty());
        CHECK(refused.err.find("--attention: " + target + " cannot be written to: ") != std::string::npos);
    }
    const outcome among = classify({"--attention", folder.path(), folder / "."});
    CHECK(among.code == 2);
    CHECK(among.err.find("choose another folder for the pictures") != std::string::npos);
}
