# How every target of the project is made: one library a folder, warnings are errors, the rules on what may
# include what are held by what each library links (and once more by tests/structure).

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Paths count from the source tree, so that another clone of it finds what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=true ${CCACHE_PROGRAM})
endif()

add_library(penstock_options INTERFACE)
target_include_directories(penstock_options INTERFACE ${CMAKE_SOURCE_DIR})
# What a program doesn't call it doesn't load: state and loader know no phone numbers.
target_link_options(penstock_options INTERFACE -Wl,--as-needed)
# What makes a mistake in memory harder to use; tests/structure/hardening.py looks at the programs. The sanitizers have
# checks of their own.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
target_compile_options(penstock_options INTERFACE -fcf-protection)
target_link_options(penstock_options INTERFACE -pie -Wl,-z,relro,-z,now)
if(NOT PENSTOCK_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "^Rel")
  target_compile_definitions(penstock_options INTERFACE _FORTIFY_SOURCE=2)
endif()
target_compile_options(penstock_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  -Wno-missing-field-initializers  # designated initializers leave out what keeps its default
  $<$<CXX_COMPILER_ID:GNU>:-Wno-error=maybe-uninitialized -Wno-error=restrict>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>  # libstdc++ 12's own, in std::stable_sort
  -fno-omit-frame-pointer -fstack-protector-strong)
if(PENSTOCK_TESTPOINTS)
  target_compile_definitions(penstock_options INTERFACE PENSTOCK_TESTPOINTS)
endif()
if(PENSTOCK_SANITIZE)
  # Only our own code: what protoc generates is compiled as ever. protobuf's messages would have other members where
  # the thread sanitizer shows itself by its macro, unlike those in Debian's library. -Wno-tsan: Asio's fences.
  target_compile_options(penstock_options INTERFACE
    -fsanitize=${PENSTOCK_SANITIZE} -fno-sanitize-recover=all -O1 -g1
    $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan -U__SANITIZE_THREAD__>)
  target_link_options(penstock_options INTERFACE -fsanitize=${PENSTOCK_SANITIZE})
endif()

# penstock_library(NAME DEPS…): a static library of the .cpp files in the current folder (not below it).
# A folder without a .cpp becomes an interface library.
function(penstock_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC penstock_options ${ARGN})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE penstock_options ${ARGN})
  endif()
endfunction()

# penstock_test(NAME DEPS…): one GoogleTest binary of the .cpp files in the current folder.
function(penstock_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE penstock_options GTest::gmock_main ${ARGN})
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60)
endfunction()
include(GoogleTest)
