# Every library comes from Debian's packages (scripts/install-deps); nothing is downloaded here.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url system)
if(PENSTOCK_TESTS)
  find_package(GTest CONFIG REQUIRED)
endif()
find_package(spdlog CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)

# libphonenumber-dev conflicts with Boost 1.81, so scripts/install-deps unpacks that package beside the build.
set(PENSTOCK_PHONENUMBER_DIR ${CMAKE_SOURCE_DIR}/.cache/libphonenumber CACHE PATH
    "Where the headers of libphonenumber-dev were unpacked")
find_path(PHONENUMBER_INCLUDE phonenumbers/phonenumberutil.h
          PATHS ${PENSTOCK_PHONENUMBER_DIR}/usr/include REQUIRED)
find_library(PHONENUMBER_LIBRARY NAMES libphonenumber.so.8 phonenumber REQUIRED)
add_library(penstock_phonenumber INTERFACE)
target_include_directories(penstock_phonenumber SYSTEM INTERFACE ${PHONENUMBER_INCLUDE})
target_link_libraries(penstock_phonenumber INTERFACE ${PHONENUMBER_LIBRARY} protobuf::libprotobuf)

# Boost.Asio and Beast are header-only; these settings hold for every user of them.
add_library(penstock_asio INTERFACE)
# g++ 12 takes the allocation of an inlined coroutine frame for a mismatched one.
target_compile_options(penstock_asio INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
target_compile_definitions(penstock_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT)
target_link_libraries(penstock_asio INTERFACE Boost::headers Boost::system Boost::url OpenSSL::SSL
                                              OpenSSL::Crypto Threads::Threads)
