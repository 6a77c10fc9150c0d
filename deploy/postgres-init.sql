CREATE DATABASE inngest OWNER coachbot;
