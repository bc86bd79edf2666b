-- The database of penstock-state, and its owner; /secrets is the Secret penstock-database.
\set password `cat /secrets/password`
CREATE ROLE penstock LOGIN PASSWORD :'password';
CREATE DATABASE penstock OWNER penstock;
