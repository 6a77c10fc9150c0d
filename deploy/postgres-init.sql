-- Run once by the image of PostgreSQL, as superuser, in an empty volume: a role each for Coachbot and for Inngest.
-- Neither is a superuser, neither can enter the other's database. Wants psql 15 or newer for \getenv.
\set ON_ERROR_STOP on
\getenv coachbot_password COACHBOT_POSTGRES_PASSWORD
\getenv inngest_password INNGEST_POSTGRES_PASSWORD

CREATE ROLE coachbot LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'coachbot_password';
CREATE ROLE inngest LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'inngest_password';

CREATE DATABASE coachbot OWNER coachbot;
CREATE DATABASE inngest OWNER inngest;

REVOKE ALL ON DATABASE coachbot, inngest, postgres FROM PUBLIC;
